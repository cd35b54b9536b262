import { expect, it } from 'vitest';
import { emailSending } from '../../src/handlers/email-sending.ts';
import { render } from '../../src/handlers/email/template.ts';
import { templates } from '../../src/handlers/email/templates.ts';
import { executorDeps } from '../support/deps.ts';

const mail = { to: 'ada@example.com', subject: 'Hi' };
const takes = (more: object): boolean =>
  emailSending.params.safeParse({ ...mail, ...more }).success;

it.each([
  ['welcome', { name: 'Ada' }, true],
  ['welcome', { name: 7 }, true],
  ['welcome', { name: 'Ada', service: null, url: 'https://example.com' }, true],
  ['welcome', {}, false],
  ['welcome', { name: '' }, false],
  ['welcome', { name: ' \u3000' }, false],
  ['welcome', { name: null }, false],
  ['welcome', { name: [{ a: 1 }] }, false],
  ['welcome', { name: 'Ada', service: '' }, false],
  ['welcome', { name: 'Ada', url: 'javascript:alert(1)' }, false],
  ['welcome', { name: 'Ada', url: [{ a: 'https://x' }] }, false],
  ['report', { title: 'T', rows: [{ name: 'a', value: 1 }] }, true],
  ['report', { title: 'T', rows: [] }, true],
  ['report', { title: 'T', rows: 'many' }, false],
  ['report', { title: [{ name: 'a' }] }, false],
  ['task-failed', { task_id: '1', type: 'sum', error: 'no' }, true],
  ['task-failed', { task_id: '1', type: 'sum' }, false],
  ['welcome', { name: 'Ada', nickname: 'A' }, false],
  ['welcome', JSON.parse('{"name":"Ada","__proto__":"x"}'), false],
])('the template %s takes %j: %s', (template, variables, expected) => {
  expect(takes({ template, variables })).toBe(expected);
});

it.each(['subject', 'text', 'html'])('takes no blank %s', (field) => {
  for (const blank of ['', ' ', '\u200b', '\u3164'])
    expect(takes({ text: 'x', [field]: blank })).toBe(false);
});

it('shows of a row what is its own', () => {
  const { text, html } = render(templates.report, {
    title: 'T',
    name: 'outer',
    value: 'outer',
    rows: [{ value: 1 }, { name: 'b' }, {}],
  });
  expect(text + html).not.toContain('outer');
  expect(text).toContain('b: ');
});

it('lets replies go to the senders, and to whom the operator names', () => {
  const secrets = {
    ...executorDeps.dependencies.secrets,
    EMAIL_FROM: ['tasker@example.com'],
    EMAIL_REPLY_TO: ['help@example.org', '@example.net'],
  };
  const refusal = (reply_to?: string) => emailSending.check({ ...mail, reply_to }, secrets)?.path;
  for (const good of [undefined, 'Tasker@example.com', 'help@example.org', 'any@EXAMPLE.net'])
    expect(refusal(good)).toBeUndefined();
  for (const bad of ['evil@example.org', 'help@example.org.evil.com', 'x@sub.example.net'])
    expect(refusal(bad)).toBe('reply_to');
});
