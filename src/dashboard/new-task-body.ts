/** What a form of a new task holds beside the parameters. Empty ones are left out of the request. */
export interface TaskOptions {
  title: string;
  priority: string;
  tags: string;
  /** As a field for a date and a time has it, in the reader's zone. */
  at: string;
  delay_seconds: string;
  max_attempts: string;
  timeout_seconds: string;
  callback_url: string;
  expires_in_seconds: string;
  limit_key: string;
  sub_key: string;
  /** Unless an unfinished task has the same type and parameters. */
  unique: boolean;
  /** Reuse an output that is there already. */
  reuse: boolean;
}

export const NO_OPTIONS: TaskOptions = {
  title: '',
  priority: 'MEDIUM',
  tags: '',
  at: '',
  delay_seconds: '',
  max_attempts: '',
  timeout_seconds: '',
  callback_url: '',
  expires_in_seconds: '',
  limit_key: '',
  sub_key: '',
  unique: false,
  reuse: true,
};

/** The body of the request. */
export const toBody = (type: string, params: unknown, options: TaskOptions) => {
  const tags = options.tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  const number = (
    name: 'delay_seconds' | 'max_attempts' | 'timeout_seconds' | 'expires_in_seconds',
  ) => (options[name] === '' ? {} : { [name]: Number(options[name]) });
  const limit = {
    ...(options.limit_key && { key: options.limit_key }),
    ...(options.sub_key && { sub_key: options.sub_key }),
  };
  return {
    type,
    params,
    ...(options.title !== '' && { title: options.title }),
    ...(options.priority !== 'MEDIUM' && { priority: options.priority }),
    ...(tags.length > 0 && { tags }),
    ...(options.at !== '' && { scheduled_at: new Date(options.at).toISOString() }),
    ...number('delay_seconds'),
    ...number('max_attempts'),
    ...number('timeout_seconds'),
    ...(options.callback_url !== '' && { callback_url: options.callback_url }),
    ...number('expires_in_seconds'),
    ...(Object.keys(limit).length > 0 && { limit }),
    ...(options.unique && { unique: {} }),
    ...(!options.reuse && { reuse: false }),
  };
};

const quoteForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A JSON value as Python writes it. */
const toPython = (value: unknown, indent = ''): string => {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const deeper = `${indent}    `;
  const isList = Array.isArray(value);
  const items = Object.entries(value).map(
    ([name, each]) =>
      `${deeper}${isList ? '' : `${JSON.stringify(name)}: `}${toPython(each, deeper)},\n`,
  );
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join('')}${indent}${close}`;
};

export const LANGUAGES = {
  curl: 'curl',
  typescript: 'TypeScript',
  python: 'Python',
  cli: 'Terminal',
};
export type Language = keyof typeof LANGUAGES;

/** The same request as a program makes it. The key stays a variable. */
export const toCode = (
  language: Language,
  body: { type: string; params: unknown },
  needsKey: boolean,
): string => {
  const { origin } = location;
  if (language === 'curl')
    return [
      `curl ${origin}/tasks \\`,
      ...(needsKey ? [`  -H "Authorization: Bearer $TASKER_API_KEY" \\`] : []),
      `  -H 'Content-Type: application/json' \\`,
      `  -d ${quoteForShell(JSON.stringify(body))}`,
    ].join('\n');
  if (language === 'typescript')
    return [
      `import { createTasker } from 'tasker-client';`,
      '',
      `const tasker = createTasker({ baseUrl: '${origin}'${needsKey ? ', apiKey: process.env.TASKER_API_KEY' : ''} });`,
      `const { task_id } = await tasker.submit(${JSON.stringify(body, null, 2)});`,
      'const { status, result } = await tasker.wait(task_id);',
    ].join('\n');
  if (language === 'python')
    return [
      'import json, os, urllib.request',
      '',
      `body = ${toPython(body)}`,
      `headers = {"Content-Type": "application/json"${needsKey ? ', "Authorization": "Bearer " + os.environ["TASKER_API_KEY"]' : ''}}`,
      `request = urllib.request.Request("${origin}/tasks", json.dumps(body).encode(), headers)`,
      'print(json.load(urllib.request.urlopen(request))["task_id"])',
    ].join('\n');
  return [
    `TASKER_URL=${origin} \\`,
    `  tasker submit ${body.type} --params ${quoteForShell(JSON.stringify(body.params))} --wait`,
  ].join('\n');
};
