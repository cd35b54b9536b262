import { newKey } from '../api.ts';
import { CopyButton } from './ui.tsx';

export const NewKey = () =>
  newKey.value === null ? null : (
    <div class="note" role="alert">
      <p>
        Your new key. Copy it now, it is shown this once; the service asks for a key from now on.
      </p>
      <code class="secret">{newKey.value}</code>
      <CopyButton text={newKey.value} />
      <button type="button" class="small" onClick={() => (newKey.value = null)}>
        Done
      </button>
    </div>
  );
