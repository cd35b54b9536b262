import {
  countAllowed,
  createGate,
  findReopening,
  FIRST_ALLOWANCE,
  openMinute,
  OWNER_ALLOWANCE,
  settleGate,
  type DeliveryGate,
  type TryOutcome,
} from '../domain/delivery-gate.ts';
import type { DeliveryGateStore } from '../store/delivery-gates.ts';

/** A delivery that wants to go out: whose it is, and to which host. */
export interface Outgoing {
  owner: string;
  host: string;
}

/** What is not let through comes back spread over this long. */
const SPREAD_MS = 2_000;

const HOST = 'host:';
const toNames = ({ host, owner }: Outgoing): [string, string] => [
  `${HOST}${host}`,
  `owner:${owner}`,
];

/** One of each owner, then the next of each: nobody waits behind everything of another one. */
const takeTurns = <Item extends { owner: string }>(items: readonly Item[]): Item[] => {
  const queues = [...Map.groupBy(items, ({ owner }) => owner).values()];
  const most = Math.max(0, ...queues.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) => queues.flatMap((queue) => queue[i] ?? [])).flat();
};

export interface PlanDeps {
  gates: Pick<DeliveryGateStore, 'getMany' | 'reserve' | 'settle'>;
  now(): number;
  random(): number;
}

/**
 * Decides which deliveries go out now, by the budgets of their owners and hosts and the breakers of
 * the hosts, and when the others may come again.
 */
export const createPlanner = ({ gates: store, now, random }: PlanDeps) => {
  /** All gates that these have to pass, those that are new too. */
  const readGates = async (
    items: readonly Outgoing[],
    at: number,
  ): Promise<Map<string, DeliveryGate>> => {
    const names = [...new Set(items.flatMap(toNames))];
    const stored = new Map((await store.getMany(names)).map((gate) => [gate.name, gate]));
    return new Map(
      names.map((name) => {
        const allowance = name.startsWith(HOST) ? FIRST_ALLOWANCE : OWNER_ALLOWANCE;
        return [name, openMinute(stored.get(name) ?? createGate(name, allowance), at)];
      }),
    );
  };

  return {
    async plan<Item extends Outgoing>(
      items: readonly Item[],
    ): Promise<{
      go: Item[];
      wait: { item: Item; until: number }[];
      /** Notes how the tries at the hosts went. */
      settle(
        ended: readonly { host: string; outcome: TryOutcome; retryAfterMs: number }[],
      ): Promise<void>;
    }> {
      const at = now();
      const gates = await readGates(items, at);
      const left = new Map(
        [...gates.values()].map((gate) => [
          gate.name,
          gate.name.startsWith(HOST) ? countAllowed(gate, at) : gate.allowance - gate.sent,
        ]),
      );
      const go: Item[] = [];
      const wait: { item: Item; until: number }[] = [];
      for (const item of takeTurns(items)) {
        const names = toNames(item);
        const shut = names.find((name) => (left.get(name) ?? 0) <= 0);
        if (shut === undefined) {
          for (const name of names) left.set(name, (left.get(name) ?? 0) - 1);
          go.push(item);
          continue;
        }
        const gate = gates.get(shut);
        const until = gate ? findReopening(gate, at) : at;
        wait.push({ item, until: Math.round(until + random() * SPREAD_MS) });
      }
      const passing = Map.groupBy(go.flatMap(toNames), (name) => name);
      await store.reserve(
        [...passing].flatMap(([name, { length: count }]) => {
          const gate = gates.get(name);
          return gate ? [{ name, minute: gate.minute, allowance: gate.allowance, count }] : [];
        }),
      );
      return {
        go,
        wait,
        async settle(ended) {
          const byHost = Map.groupBy(ended, ({ host }) => host);
          const settled = [...byHost].flatMap(([host, tries]): DeliveryGate[] => {
            const gate = gates.get(`${HOST}${host}`);
            const retryAfterMs = Math.max(...tries.map((each) => each.retryAfterMs));
            const outcomes = tries.map(({ outcome }) => outcome);
            return gate ? [settleGate(gate, outcomes, retryAfterMs, now())] : [];
          });
          await store.settle(settled);
        },
      };
    },
  };
};

export type Planner = ReturnType<typeof createPlanner>;
