import { expectTypeOf, it } from 'vitest';
import type * as flows from '../../src/client/flow-types.ts';
import type * as clientFrames from '../../src/client/frames.ts';
import type * as client from '../../src/client/types.ts';
import type * as flowView from '../../src/domain/flow-view.ts';
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
  expectTypeOf<clientFrames.Frame>().toExtend<frames.Frame>();
  expectTypeOf<frames.Frame>().toExtend<clientFrames.Frame>();
  expectTypeOf<flows.FlowDetail>().toExtend<flowView.FlowDetail>();
  expectTypeOf<flowView.FlowDetail>().toExtend<flows.FlowDetail>();
  expectTypeOf<client.NewTask>().toExtend<NewTask>();
});
