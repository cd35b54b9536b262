import { useState } from 'preact/hooks';
import { replaceQuery } from '../router.ts';
import { dropView, listViews, saveView } from '../views.ts';
import { toast } from './toast.tsx';

/** The list's saved views; the one that is shown can be saved under a name. */
export const Views = ({ filter }: { filter: URLSearchParams }) => {
  const [isNaming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const query = filter.toString();
  const views = listViews();
  const current = views.find((view) => new URLSearchParams(view.query).toString() === query);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    saveView(name.trim(), query);
    setNaming(false);
    setName('');
    toast('Saved in this browser. Its address shares it.');
  };
  return (
    <div class="views" role="group" aria-label="Views">
      {views.map((view) => (
        <span key={view.name} class="view">
          <button
            class="small"
            aria-pressed={view === current}
            onClick={() => replaceQuery(new URLSearchParams(view.query))}
          >
            {view.name}
          </button>
          {!view.isBuiltIn && view === current && (
            <button
              class="plain"
              aria-label={`Drop the view ${view.name}`}
              onClick={() => dropView(view.name)}
            >
              ×
            </button>
          )}
        </span>
      ))}
      {!current && !isNaming && (
        <button class="small" onClick={() => setNaming(true)}>
          Save view
        </button>
      )}
      {isNaming && (
        <form class="row" onSubmit={save}>
          <input
            aria-label="Name of the view"
            required
            maxLength={40}
            value={name}
            placeholder="Name"
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button class="small primary">Save</button>
        </form>
      )}
    </div>
  );
};
