import { createDeliverer, type DelivererDeps } from '../deliveries/deliverer.ts';
import { createDigest } from '../deliveries/digest.ts';
import type { DeliveryStore } from '../store/deliveries.ts';
import type { DeliveryGateStore } from '../store/delivery-gates.ts';
import type { EngineDeps } from './engine-deps.ts';

type DeliveringDeps = Pick<EngineDeps, 'deliveries' | 'now' | 'random' | 'log'> &
  Pick<DelivererDeps, 'store' | 'flows' | 'planner'> & {
    gates: DeliveryGateStore;
    deliveryStore: DeliveryStore;
  };

/** What tells of ends. */
export const createDelivering = ({ gates, deliveryStore, ...deps }: DeliveringDeps) => {
  const { sender, publicUrl, countTry } = deps.deliveries;
  return createDeliverer({
    ...deps,
    deliveries: deliveryStore,
    digest: createDigest({ ...deps, deliveries: deliveryStore, gates, send: sender.mail }),
    sender,
    publicUrl,
    countTry,
  });
};
