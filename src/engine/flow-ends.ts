import type { DeliveryKey } from '../domain/delivery.ts';
import type { FlowTask } from '../domain/flow.ts';
import type { FlowStatus } from '../domain/words.ts';
import type { FlowStore } from '../store/flows.ts';

/** Ends of flows that are remembered: none is counted twice. */
const MAX_NOTED = 1_000;

export interface FlowEndDeps {
  flows: Pick<FlowStore, 'getMany'>;
  /** Called for flows that have ended: for metrics. */
  countFlowEnd(status: FlowStatus): void;
  /** Sends open deliveries to their queue; never throws. */
  sendDeliveries(keys: readonly DeliveryKey[]): Promise<void>;
}

/** Takes note of flows that have ended just now: their callbacks need not wait for the clock. */
export const createFlowEnds = ({ flows, countFlowEnd, sendDeliveries }: FlowEndDeps) => {
  const noted = new Set<string>();

  /** @param ended the tasks that ended last */
  return async (ended: readonly Pick<FlowTask, 'owner' | 'flow_id'>[]): Promise<void> => {
    const found = await flows.getMany(ended.map(({ owner, flow_id: id }) => ({ owner, id })));
    const over = found.filter(
      ({ id, version, completed_at }) => completed_at !== null && !noted.has(`${id} ${version}`),
    );
    if (noted.size > MAX_NOTED) noted.clear();
    for (const { id, version, status } of over) {
      noted.add(`${id} ${version}`);
      countFlowEnd(status);
    }
    const owed = over.filter(({ callback_url }) => callback_url !== null);
    await sendDeliveries(
      owed.map(({ owner, id, version }) => ({ owner, task_id: id, version, sink: 'callback' })),
    );
  };
};
