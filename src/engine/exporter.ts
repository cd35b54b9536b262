import { isOutside, measureBody, readStub } from '../domain/body.ts';
import { splitLine, toExportHead } from '../domain/export-line.ts';
import type { Task } from '../domain/task.ts';
import type { BodyStore } from '../store/body-store.ts';

const encoder = new TextEncoder();

/** The text of a column, as a stream where it lies outside; throws where it is gone. */
const readText = async function* (
  bodies: Pick<BodyStore, 'open'>,
  { owner, id }: Task,
  text: string,
): AsyncGenerator<Uint8Array> {
  const name = readStub(text)?.name;
  if (name === undefined) return yield encoder.encode(text);
  const found = await bodies.open({ owner, id, name });
  if (!found) throw new Error(`A body of task ${id} is gone`);
  yield* found.body as AsyncIterable<Uint8Array>;
};

/** Tasks as lines, see domain/export-line.ts; no more of them is held than one piece. */
export const writeLines = async function* (
  bodies: Pick<BodyStore, 'open'>,
  tasks: readonly Task[],
): AsyncGenerator<Uint8Array> {
  let text = '';
  for (const task of tasks) {
    const result = task.result ?? 'null';
    const [head, between, end] = splitLine(
      toExportHead(task, {
        params: measureBody(task.params),
        result: task.result === null ? null : measureBody(task.result),
      }),
    );
    if (isOutside(task.params) || isOutside(result)) {
      yield encoder.encode(text + head);
      yield* readText(bodies, task, task.params);
      yield encoder.encode(between);
      yield* readText(bodies, task, result);
      text = end;
    } else text += head + task.params + between + result + end;
  }
  if (text !== '') yield encoder.encode(text);
};
