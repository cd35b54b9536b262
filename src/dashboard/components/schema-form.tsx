import { useState } from 'preact/hooks';
import { describeLost, isHeld, parseExactJson } from '../../domain/exact-json.ts';

/** As much of JSON Schema as our own schemas use. */
export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, Schema>;
  required?: string[];
}

type Values = Record<string, unknown>;

const bounds = ({ minimum, maximum, maxLength }: Schema): string =>
  [
    minimum !== undefined && Math.abs(minimum) < 1e9 ? `at least ${minimum}` : '',
    maximum !== undefined && Math.abs(maximum) < 1e9 ? `at most ${maximum}` : '',
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
  ]
    .filter((text) => text !== '')
    .join(', ');

/** JSON in a text field. Text that does not parse stays, with a note. */
const JsonField = ({
  id,
  value,
  onChange,
}: {
  id: string;
  value: unknown;
  onChange(value: unknown): void;
}) => {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
  const [wrong, setWrong] = useState('');
  const read = (field: HTMLTextAreaElement): void => {
    setText(field.value);
    let found = '';
    try {
      const refuse = (number: string): never => {
        throw new RangeError(describeLost(number));
      };
      onChange(field.value.trim() === '' ? undefined : parseExactJson(field.value, refuse));
    } catch (error) {
      found = error instanceof RangeError ? error.message : 'This is not JSON.';
    }
    setWrong(found);
    // The browser then does not submit the form.
    field.setCustomValidity(found);
  };
  return (
    <>
      <textarea
        id={id}
        class="code"
        rows={Math.min(14, text.split('\n').length + 1)}
        value={text}
        aria-invalid={wrong !== ''}
        spellcheck={false}
        onInput={(event) => read(event.currentTarget)}
      />
      {wrong !== '' && <span class="hint wrong">{wrong}</span>}
    </>
  );
};

const Field = ({
  id,
  schema,
  value,
  isRequired,
  onChange,
}: {
  id: string;
  schema: Schema;
  value: unknown;
  isRequired: boolean;
  onChange(value: unknown): void;
}) => {
  if (schema.enum) {
    return (
      <select
        id={id}
        required={isRequired}
        value={typeof value === 'string' ? value : ''}
        onChange={(event) =>
          onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value)
        }
      >
        <option value="">–</option>
        {schema.enum.map((each) => (
          <option key={String(each)} value={String(each)}>
            {String(each)}
          </option>
        ))}
      </select>
    );
  }
  if (schema.type === 'boolean')
    return (
      <input
        id={id}
        type="checkbox"
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  if (schema.type === 'number' || schema.type === 'integer') {
    return (
      <input
        id={id}
        required={isRequired}
        type="number"
        step={schema.type === 'integer' ? 1 : 'any'}
        value={typeof value === 'number' ? String(value) : ''}
        onInput={({ currentTarget: field }) => {
          field.setCustomValidity(
            field.value === '' || isHeld(field.value) ? '' : describeLost(field.value),
          );
          onChange(field.value === '' ? undefined : Number(field.value));
        }}
      />
    );
  }
  if (schema.type === 'string') {
    const isLong = (schema.maxLength ?? Infinity) > 300;
    const text = typeof value === 'string' ? value : '';
    const read = (next: string): void =>
      onChange(next === '' && value === undefined ? undefined : next);
    return isLong ? (
      <textarea
        id={id}
        rows={3}
        value={text}
        onInput={(event) => read(event.currentTarget.value)}
      />
    ) : (
      <input id={id} value={text} onInput={(event) => read(event.currentTarget.value)} />
    );
  }
  return <JsonField id={id} value={value} onChange={onChange} />;
};

/**
 * A form for an object's schema: a field for each property, JSON for whatever has no field of its
 * own.
 */
export const SchemaForm = ({
  schema,
  value,
  onChange,
}: {
  schema: Schema;
  value: Values;
  onChange(value: Values): void;
}) => {
  const properties = Object.entries(schema.properties ?? {});
  const set = (name: string, next: unknown): void => {
    const { [name]: _, ...rest } = value;
    onChange(next === undefined ? rest : { ...value, [name]: next });
  };
  if (properties.length === 0) return <p class="muted">It takes no parameters.</p>;
  return (
    <>
      {properties
        .map(([name, each]) => ({
          name,
          each,
          isRequired: (schema.required?.includes(name) ?? false) && each.default === undefined,
        }))
        .map(({ name, each, isRequired }) => (
          <div class="field" key={name}>
            <label for={`param-${name}`}>
              {name}
              {isRequired ? ' *' : ''}
            </label>
            <Field
              id={`param-${name}`}
              isRequired={isRequired}
              schema={each}
              value={value[name]}
              onChange={(next) => set(name, next)}
            />
            <span class="hint">
              {[
                each.description,
                each.default === undefined ? '' : `default ${JSON.stringify(each.default)}`,
                bounds(each),
              ]
                .filter(Boolean)
                .join('; ')}
            </span>
          </div>
        ))}
    </>
  );
};
