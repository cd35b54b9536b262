import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { parseExportLine } from '../../src/domain/export-line.ts';
import { writeLines } from '../../src/engine/exporter.ts';
import { createBodyStore } from '../../src/store/body-store.ts';
import { byteBudget } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const bodies = createBodyStore(env.FILES, byteBudget);
const collect = async (content: AsyncGenerator<Uint8Array>): Promise<Uint8Array[]> => {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return parts;
};

it('writes short tasks together, and streams what lies outside', async () => {
  const [short, large, other] = [aTask(), aTask(), aTask()];
  const text = JSON.stringify('é'.repeat(300_000));
  const stub = await bodies.put(large, 1, text);
  const tasks = [short, { ...large, result: stub }, other];
  const parts = await collect(writeLines(bodies, tasks));
  const decoder = new TextDecoder();
  const whole = parts.map((part) => decoder.decode(part, { stream: true })).join('');
  const lines = whole.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { task_id: string }).task_id)).toEqual(
    tasks.map(({ id }) => id),
  );
  const { result } = parseExportLine(new TextEncoder().encode(lines[1]));
  expect(new TextDecoder().decode(result ?? undefined)).toBe(text);
  expect(Math.max(...parts.map(({ byteLength }) => byteLength))).toBeLessThan(text.length * 2);
  expect(await collect(writeLines(bodies, [short, other]))).toHaveLength(1);
});

it('ends where a body is gone, instead of leaving it out', async () => {
  const task = aTask();
  const stub = await bodies.put(task, 1, '1');
  await bodies.removeAll(task.owner);
  await expect(collect(writeLines(bodies, [{ ...task, result: stub }]))).rejects.toThrow('is gone');
});
