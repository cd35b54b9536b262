import { html } from 'hono/html';

type Markup = ReturnType<typeof html>;

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  description?: string;
  [more: string]: unknown;
}

interface Shown {
  summary: string;
  description?: string;
  operationId: string;
  tags: string[];
  parameters: {
    name: string;
    in: string;
    required: boolean;
    description?: string;
    schema: Schema;
  }[];
  requestBody?: {
    content: Record<string, { schema: Schema; examples?: Record<string, { value: unknown }> }>;
  };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}

/** Swagger UI, which static/docs.js starts. */
export const swaggerPage = (): Markup =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Tasker API</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/swagger-ui.css" />
      </head>
      <body>
        <div id="docs"></div>
        <script src="/assets/swagger-ui-bundle.js"></script>
        <script src="/assets/docs.js"></script>
      </body>
    </html>`;

/** Words, with what stands between backticks as code. */
const text = (words: string): Markup =>
  html`${words.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;

const refName = (ref: string): string => ref.split('/').at(-1) ?? ref;

/** A type in one word or two. */
const typeOf = (schema: Schema): string => {
  if (schema.$ref) return refName(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map(typeOf).join(' | ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type;
  return [type ?? 'any', schema.format].filter(Boolean).join(', ');
};

const LIMITS = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'];

/** What else there is to know of a field. */
const notesOf = (schema: Schema): string =>
  [
    schema.description,
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ...LIMITS.flatMap((name) =>
      typeof schema[name] === 'number' && Math.abs(schema[name]) < Number.MAX_SAFE_INTEGER
        ? [`${name} ${schema[name]}`]
        : [],
    ),
  ]
    .filter((note) => note !== undefined)
    .join('; ');

const table = (head: string[], rows: (string | Markup)[][]): Markup =>
  html`<table>
    <thead>
      <tr>
        ${head.map((cell) => html`<th>${cell}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;

const fields = (schema: Schema): Markup | string => {
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms)
    return html`${forms.map(
      (form, i) =>
        html`<p>${i === 0 ? '' : 'or '}${typeOf(form)}</p>
          ${fields(form)}`,
    )}`;
  if (!schema.properties) return '';
  const rows = Object.entries(schema.properties).map(([name, each]) => [
    html`<code>${name}</code>${schema.required?.includes(name) ? ' *' : ''}`,
    typeOf(each),
    text(notesOf(each)),
  ]);
  return table(['field', 'type', ''], rows);
};

const linked = (schema: Schema | undefined): Markup | string => {
  if (!schema) return '';
  return schema.$ref
    ? html`<a href="#schema-${refName(schema.$ref)}">${refName(schema.$ref)}</a>`
    : typeOf(schema);
};

const operation = (path: string, method: string, shown: Shown): Markup => {
  const [body] = Object.entries(shown.requestBody?.content ?? {});
  return html`<article id="${shown.operationId}">
    <h3>${shown.summary}</h3>
    <p>
      <code class="call"><span class="method">${method.toUpperCase()}</span> ${path}</code>
    </p>
    ${shown.description ? html`<p>${text(shown.description)}</p>` : ''}
    ${
      shown.parameters.length > 0
        ? html`<h4>Parameters</h4>
            ${table(
              ['name', 'in', 'type', ''],
              shown.parameters.map((each) => [
                html`<code>${each.name}</code>${each.required ? ' *' : ''}`,
                each.in,
                typeOf(each.schema),
                text(each.description ?? notesOf(each.schema)),
              ]),
            )}`
        : ''
    }
    ${
      body
        ? html`<h4>Body: ${body[0]} ${linked(body[1].schema)}</h4>
            ${fields(body[1].schema)}
            ${Object.entries(body[1].examples ?? {}).map(
              ([name, { value }]) =>
                html`<details>
                  <summary>Example: ${name}</summary>
                  <pre>${JSON.stringify(value, null, 2)}</pre>
                </details>`,
            )}`
        : ''
    }
    <h4>Answers</h4>
    ${table(
      ['status', '', 'body'],
      Object.entries(shown.responses).map(([status, { description, content }]) => {
        const [type, media] = Object.entries(content ?? {})[0] ?? ['', undefined];
        return [
          html`<code>${status}</code>`,
          text(description),
          html`${type} ${linked(media?.schema)}`,
        ];
      }),
    )}
  </article>`;
};

interface Api {
  info: { title: string; version: string; description: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Shown>>;
  components: { schemas: Record<string, Schema> };
}

/** The whole document on one page, without a script. */
export const readingPage = (document: object): Markup => {
  const { info, tags, paths, components } = document as Api;
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, shown]) => ({ path, method, shown })),
  );
  const of = (tag: string) => all.filter(({ shown }) => shown.tags.includes(tag));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${info.title} API</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/reading.css" />
      </head>
      <body>
        <div class="frame">
          <nav aria-label="Operations">
            <strong>${info.title} ${info.version}</strong>
            ${tags.map(
              ({ name }) =>
                html`<h2>${name}</h2>
                  <ul>
                    ${of(name).map(({ shown }) => html`<li><a href="#${shown.operationId}">${shown.summary}</a></li>`)}
                  </ul>`,
            )}
            <h2>Schemas</h2>
            <ul>
              ${Object.keys(components.schemas).map((name) => html`<li><a href="#schema-${name}">${name}</a></li>`)}
            </ul>
          </nav>
          <main>
            <h1>${info.title} API</h1>
            <p>${text(info.description)}</p>
            <p><a href="/openapi.json">openapi.json</a> · <a href="/docs">try it out</a></p>
            ${tags.map(
              ({ name }) =>
                html`<h2>${name}</h2>
                  ${of(name).map(({ path, method, shown }) => operation(path, method, shown))}`,
            )}
            <h2>Schemas</h2>
            ${Object.entries(components.schemas).map(
              ([name, schema]) =>
                html`<article id="schema-${name}">
                  <h3>${name}</h3>
                  ${fields(schema)}
                </article>`,
            )}
          </main>
        </div>
      </body>
    </html>`;
};
