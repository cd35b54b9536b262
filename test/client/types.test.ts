import { expectTypeOf, it } from 'vitest';
import type * as client from '../../src/client/types.ts';
import type * as frames from '../../src/domain/frames.ts';
import type * as view from '../../src/domain/view.ts';
import type { NewTask } from '../../src/http/routes/tasks/new-task-schema.ts';

it('the types of the package are those of the service', () => {
  expectTypeOf<client.TaskView>().toExtend<view.TaskView>();
  expectTypeOf<view.TaskView>().toExtend<client.TaskView>();
  expectTypeOf<client.TaskSummary>().toExtend<view.TaskSummary>();
  expectTypeOf<view.TaskSummary>().toExtend<client.TaskSummary>();
  expectTypeOf<client.TaskDetail>().toExtend<view.TaskDetail>();
  expectTypeOf<view.TaskDetail>().toExtend<client.TaskDetail>();
  expectTypeOf<client.Frame>().toExtend<frames.Frame>();
  expectTypeOf<frames.Frame>().toExtend<client.Frame>();
  expectTypeOf<client.NewTask>().toExtend<NewTask>();
});
