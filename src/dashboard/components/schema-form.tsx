import { useState } from 'preact/hooks';
import { describeLost, isHeld, parseExactJson } from '../../domain/exact-json.ts';
import { get } from '../api.ts';
import { useQuery } from '../hooks.ts';
import { uploadFile } from '../pages/files.tsx';
import { toast } from './toast.tsx';

/** As much of JSON Schema as our own schemas use. */
export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  description?: string;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

type Values = Record<string, unknown>;

/** What the service says is wrong, by the path of the field. */
export type FieldErrors = Readonly<Record<string, string>>;

const isPlain = (bound: number | undefined): bound is number =>
  bound !== undefined && Math.abs(bound) < 1e9;

const bounds = ({ minimum, maximum, maxLength }: Schema): string =>
  [
    isPlain(minimum) ? `at least ${minimum}` : '',
    isPlain(maximum) ? `at most ${maximum}` : '',
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
  ]
    .filter((text) => text !== '')
    .join(', ');

interface FieldProps {
  id: string;
  schema: Schema;
  value: unknown;
  isRequired: boolean;
  isWrong: boolean;
  onChange(value: unknown): void;
}

/** JSON in a text field. Text that does not parse stays, with a note. */
const JsonField = ({ id, value, onChange }: Pick<FieldProps, 'id' | 'value' | 'onChange'>) => {
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

/** Texts, one a line: mail addresses, columns, names. One that may be a text alone stays one. */
const ListField = ({ id, schema, value, onChange }: Omit<FieldProps, 'isWrong'>) => {
  const [text, setText] = useState(
    Array.isArray(value) ? value.join('\n') : typeof value === 'string' ? value : '',
  );
  return (
    <>
      <textarea
        id={id}
        rows={Math.max(2, text.split('\n').length)}
        value={text}
        onInput={({ currentTarget: { value: lines } }) => {
          setText(lines);
          const list = lines.split('\n').filter((line) => line.trim() !== '');
          const isAlone = list.length === 1 && schema.anyOf !== undefined;
          onChange(list.length === 0 ? undefined : isAlone ? list[0] : list);
        }}
      />
      <span class="hint">One a line</span>
    </>
  );
};

/** The name of a file that is there, or one that is uploaded now. */
const FileField = ({ id, value, isRequired, onChange }: FieldProps) => {
  const { data, reload } = useQuery('file names', () =>
    get<{ files: { name: string }[] }>('/files?page_size=200'),
  );
  const upload = (file: File | undefined): void => {
    if (!file) return;
    uploadFile(file).then(
      (name) => {
        onChange(name);
        reload();
        toast(`${name} uploaded`);
      },
      (error: Error) => toast(error.message, 'error'),
    );
  };
  return (
    <>
      <input
        id={id}
        list={`${id}-names`}
        required={isRequired}
        value={typeof value === 'string' ? value : ''}
        onInput={(event) => onChange(event.currentTarget.value || undefined)}
      />
      <datalist id={`${id}-names`}>
        {data?.files.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <input
        type="file"
        aria-label={`Upload a file for ${id.replace('param-', '')}`}
        onChange={(event) => upload(event.currentTarget.files?.[0])}
      />
    </>
  );
};

const NumberField = ({ id, schema, value, isRequired, isWrong, onChange }: FieldProps) => (
  <input
    id={id}
    required={isRequired}
    type="number"
    step={schema.type === 'integer' ? 1 : 'any'}
    {...(isPlain(schema.minimum) && { min: schema.minimum })}
    {...(isPlain(schema.maximum) && { max: schema.maximum })}
    aria-invalid={isWrong}
    value={typeof value === 'number' ? String(value) : ''}
    onInput={({ currentTarget: field }) => {
      field.setCustomValidity(
        field.value === '' || isHeld(field.value) ? '' : describeLost(field.value),
      );
      onChange(field.value === '' ? undefined : Number(field.value));
    }}
  />
);

/** A text of more characters gets several lines. */
const LONG_CHARS = 300;

const TextField = ({ id, schema, value, isRequired, isWrong, onChange }: FieldProps) => {
  const text = typeof value === 'string' ? value : '';
  const read = (next: string): void =>
    onChange(next === '' && value === undefined ? undefined : next);
  const shared = {
    id,
    value: text,
    'aria-invalid': isWrong,
    required: isRequired && (schema.minLength ?? 0) > 0,
    ...(schema.maxLength !== undefined && { maxLength: schema.maxLength }),
  };
  if ((schema.maxLength ?? Infinity) > LONG_CHARS && schema.format === undefined)
    return <textarea {...shared} rows={3} onInput={(event) => read(event.currentTarget.value)} />;
  // Preact's types name each kind of input apart.
  const type = ({ email: 'email', uri: 'url' }[schema.format ?? ''] ?? 'text') as 'text';
  return <input {...shared} type={type} onInput={(event) => read(event.currentTarget.value)} />;
};

const ChoiceField = ({ id, schema, value, isRequired, onChange }: FieldProps) => (
  <select
    id={id}
    required={isRequired}
    value={typeof value === 'string' ? value : ''}
    onChange={({ currentTarget: { value: chosen } }) =>
      onChange(chosen === '' ? undefined : chosen)
    }
  >
    <option value="">–</option>
    {schema.enum?.map((each) => (
      <option key={String(each)} value={String(each)}>
        {String(each)}
      </option>
    ))}
  </select>
);

/** A list of texts, or one text in its place. */
const isTexts = ({ type, items, anyOf }: Schema): boolean =>
  (type === 'array' && items?.type === 'string' && !items.enum) ||
  (anyOf?.length === 2 && anyOf[0]?.type === 'string' && isTexts(anyOf[1] ?? {}));

const Field = (props: FieldProps) => {
  const { id, schema, value, onChange } = props;
  if (schema.enum) return <ChoiceField {...props} />;
  if (schema.type === 'boolean')
    return (
      <input
        id={id}
        type="checkbox"
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  if (schema.type === 'number' || schema.type === 'integer') return <NumberField {...props} />;
  if (schema.type === 'string')
    return /(^|_)(file|input|source)$/.test(id.replace('param-', '')) ? (
      <FileField {...props} />
    ) : (
      <TextField {...props} />
    );
  if (isTexts(schema)) return <ListField {...props} />;
  return <JsonField id={id} value={value} onChange={onChange} />;
};

/** What is wrong with a field, or within it. */
const findError = (errors: FieldErrors, path: string): string | undefined =>
  errors[path] ?? Object.entries(errors).find(([each]) => each.startsWith(`${path}.`))?.[1];

/**
 * A form for an object's schema: a field for each property, JSON for whatever has no field of its
 * own. What the service refused stands at its field.
 */
export const SchemaForm = ({
  schema,
  value,
  errors,
  onChange,
}: {
  schema: Schema;
  value: Values;
  errors: FieldErrors;
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
          error: findError(errors, `params.${name}`),
        }))
        .map(({ name, each, isRequired, error }) => (
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
              isWrong={error !== undefined}
              onChange={(next) => set(name, next)}
            />
            {error !== undefined && (
              <span class="hint wrong" role="alert">
                {error}
              </span>
            )}
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
