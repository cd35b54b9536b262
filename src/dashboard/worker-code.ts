import { identity } from './api.ts';

export const WORKER_LANGUAGES = { python: 'Python', typescript: 'TypeScript' };
export type WorkerLanguage = keyof typeof WORKER_LANGUAGES;

const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

/** A program that runs a type, to begin with. The key stays a variable. */
export const toWorkerCode = (
  language: WorkerLanguage,
  type: string,
  fields: readonly string[],
): string => {
  const { origin } = location;
  const needsKey = identity.value?.key_id !== null;
  const names = fields.filter(isName);
  if (language === 'python')
    return [
      '# pip install ./clients/python; then: python -m tasker worker app:worker',
      'from tasker import Worker',
      '',
      `worker = Worker("${origin}")${needsKey ? '  # the key is TASKER_API_KEY' : ''}`,
      '',
      `@worker.task("${type}")`,
      `def run(${[...names, 'context'].join(', ')}${names.length < fields.length || fields.length === 0 ? ', **params' : ''}):`,
      '    context.progress(0.5, "half")',
      '    return {"ok": True}',
    ].join('\n');
  return [
    '// npm install ./tasker-client-0.1.0.tgz',
    `import { createWorker } from 'tasker-client';`,
    '',
    'const worker = createWorker({',
    `  baseUrl: '${origin}',`,
    ...(needsKey ? ['  apiKey: process.env.TASKER_API_KEY,'] : []),
    '  types: {',
    `    ${isName(type) ? type : JSON.stringify(type)}: async ({ params, progress }) => {`,
    `      progress(0.5, 'half');`,
    '      return { ok: true };',
    '    },',
    '  },',
    '});',
    `process.once('SIGTERM', () => worker.stop());`,
    'await worker.run();',
  ].join('\n');
};
