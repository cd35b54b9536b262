import { describe, expect, it } from 'vitest';
import { call, finished, submit } from '../client.ts';

describe('POST /tasks', () => {
  it('answers with the task, which then runs', async () => {
    const response = await call('/tasks', { json: { type: 'sum', params: { a: 5, b: 3 } } });
    expect(response.status).toBe(202);
    const task = await response.json<{ task_id: string }>();
    expect(response.headers.get('Location')).toBe(`/tasks/${task.task_id}`);
    expect(task).toMatchObject({ type: 'sum', status: 'PENDING', queue: 'default-medium', attempt: 0, version: 1 });
    expect(await finished(task.task_id)).toMatchObject({
      status: 'COMPLETED',
      result: { operation: 'sum', a: 5, b: 3, result: 8 },
      attempt: 1,
      version: 3,
      error: null,
      attempts: [{ attempt: 1, outcome: 'completed', error: null }],
    });
  });
});
