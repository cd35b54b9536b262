import type { TryOutcome } from '../domain/delivery-gate.ts';
import {
  computeNextTry,
  DELIVERY_RESEND_MS,
  toDeliveryId,
  type Delivery,
  type DeliveryKey,
  type DeliveryResult,
} from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { DeliveryStore, DeliveryUpdate } from '../store/deliveries.ts';
import type { Digest } from './digest.ts';
import { toEvent, toFlowEvent } from './event.ts';
import type { Planner } from './plan.ts';
import { writeFailure, type DeliverySender } from './sender.ts';
import { findSubjects, type Subject, type SubjectDeps } from './subjects.ts';
import { writeAsEnded } from './write-as-ended.ts';

/** When the database does not answer, the message comes back after this. */
const RETRY_SECONDS = 5;

export interface DelivererDeps extends SubjectDeps {
  deliveries: Pick<DeliveryStore, 'claim' | 'update'>;
  planner: Planner;
  digest: Digest;
  /** Tries of one delivery each; they never throw. */
  sender: Pick<DeliverySender, 'post' | 'findUrl'>;
  /** For links; empty where it is not known. */
  publicUrl: string;
  /** Called for every try: for metrics. */
  countTry(sink: Delivery['sink'], outcome: 'delivered' | 'failed' | 'given_up', by?: number): void;
  now(): number;
  random(): number;
  log: Logger;
}

const OUTCOMES = { DELIVERED: 'delivered', OPEN: 'failed', GIVEN_UP: 'given_up' } as const;

interface Claimed {
  delivery: Delivery;
  subject: Subject;
  owner: string;
  /** Where it goes by HTTP; empty where it does not. */
  host: string;
}

interface Ended extends Claimed {
  result: DeliveryResult;
}

/** What a try says of its host. */
const toOutcome = (result: DeliveryResult): TryOutcome => {
  if (result.kind === 'delivered') return 'delivered';
  const isAnswer = result.kind === 'failed' && (result.final || result.mostTries !== undefined);
  return isAnswer ? 'refused' : 'failed';
};

/**
 * The consumer of the delivery queue: claim, plan, try, update. The tasks themselves are never
 * touched.
 */
export const createDeliverer = (deps: DelivererDeps) => {
  const { deliveries, planner, digest, sender, countTry, now, random, log } = deps;

  const toUpdate = ({ delivery, result }: Ended): DeliveryUpdate => {
    const { owner, task_id, version, sink, tries, due_at, last_error } = delivery;
    const key = { owner, task_id, version, sink, tries };
    const ended = { ...key, due_at, wake_at: null, ended_at: now() };
    if (result.kind === 'delivered') return { ...ended, state: 'DELIVERED', last_error: null };
    const reopen = (at: number) =>
      ({
        ...key,
        state: 'OPEN',
        due_at: at,
        wake_at: at + DELIVERY_RESEND_MS,
        ended_at: null,
      }) as const;
    if (result.kind === 'postponed') return { ...reopen(result.until), last_error, given_back: 1 };
    const { error, final = false, mostTries = Infinity, retryAfterMs = 0 } = result;
    const at =
      final || tries >= mostTries ? null : computeNextTry(delivery, retryAfterMs, now(), random);
    if (at === null) return { ...ended, state: 'GIVEN_UP', last_error: error };
    return { ...reopen(at), last_error: error };
  };

  const noteTry = ({ delivery, subject, result }: Ended, update: DeliveryUpdate): void => {
    if (result.kind === 'postponed') return;
    const { owner, task_id, sink, tries } = delivery;
    const { state, last_error } = update;
    const [task_name, { request_id }] =
      'task' in subject ? [subject.task.type, subject.task] : ['flow', subject.flow];
    const id = toDeliveryId(delivery);
    const fields = { delivery: id, owner, task_id, task_name, sink, tries, request_id };
    countTry(sink, OUTCOMES[state]);
    if (state === 'DELIVERED') log.info('delivery_made', fields);
    else if (state === 'OPEN') log.info('delivery_failed', { ...fields, error: last_error });
    else log.warn('delivery_given_up', { ...fields, error: last_error });
  };

  const claim = async (keys: readonly DeliveryKey[]): Promise<Claimed[]> => {
    const claimed = await deliveries.claim(keys, now());
    if (claimed.length === 0) return [];
    const subjects = await findSubjects(claimed, deps);
    return claimed.flatMap((delivery) => {
      const subject = subjects.get(delivery.task_id);
      if (!subject) return [];
      const url = sender.findUrl(delivery, 'task' in subject ? subject.task : subject.flow);
      return [{ delivery, subject, owner: delivery.owner, host: URL.parse(url ?? '')?.host ?? '' }];
    });
  };

  /** They should never throw; if one does, the batch must not wait for it for ever. */
  const orFailed = (work: Promise<DeliveryResult>): Promise<DeliveryResult> =>
    work.catch((error: unknown) => ({ kind: 'failed', error: describeError(error) }));

  const post = (claimed: Claimed): Promise<DeliveryResult> => {
    const { delivery, subject } = claimed;
    if ('flow' in subject)
      return orFailed(sender.post(delivery, subject.flow, toFlowEvent(delivery, subject.flow)));
    const { task } = subject;
    return orFailed(sender.post(delivery, task, toEvent(delivery, task, deps.publicUrl)));
  };

  /** One mail for all of them, if it is time for one. */
  const mailFailures = async (claimed: readonly Claimed[]): Promise<Ended[]> => {
    const [first] = claimed;
    if (!first || 'flow' in first.subject) return [];
    const { delivery, subject } = first;
    const { task } = subject;
    const words = writeFailure(toEvent(delivery, task, deps.publicUrl));
    const sent = await digest.trySend(words, toDeliveryId(delivery));
    if ('until' in sent)
      return claimed.map((each) => ({ ...each, result: { kind: 'postponed', until: sent.until } }));
    // Each of the batch is counted by itself.
    if (sent.told > claimed.length)
      countTry('failure_email', 'delivered', sent.told - claimed.length);
    return claimed.map((each) => ({ ...each, result: sent.result }));
  };

  const tryAll = async (
    claimed: readonly Claimed[],
    write: (ended: readonly Ended[]) => Promise<void>,
  ): Promise<void> => {
    const byHttp = claimed.filter(({ host }) => host !== '');
    const others = claimed.filter(({ host }) => host === '');
    const isMail = ({ delivery }: Claimed): boolean => delivery.sink === 'failure_email';
    const { go, wait, settle } = await planner.plan(byHttp);
    await write(
      wait.map(({ item, until }) => ({ ...item, result: { kind: 'postponed', until } }) as const),
    );
    await write(await mailFailures(others.filter(isMail)));
    const ended: { host: string; outcome: TryOutcome; retryAfterMs: number }[] = [];
    const tries = [...go, ...others.filter((each) => !isMail(each))].map(async (each) => {
      const result = await post(each);
      const retryAfterMs = (result.kind === 'failed' && result.retryAfterMs) || 0;
      if (each.host !== '')
        ended.push({ host: each.host, outcome: toOutcome(result), retryAfterMs });
      return { ...each, result };
    });
    await writeAsEnded(tries, write);
    await settle(ended);
  };

  /** The platform's own retry brings a message back when it is due; the clock is the safety net. */
  const settleMessage = (
    message: Message<DeliveryKey>,
    { state, due_at }: DeliveryUpdate,
  ): void => {
    if (state !== 'OPEN') return message.ack();
    message.retry({ delaySeconds: Math.ceil(Math.max(0, due_at - now()) / 1_000) });
  };

  return {
    /** Never throws, and settles every message by name. */
    async consume(messages: readonly Message<DeliveryKey>[]): Promise<void> {
      try {
        const claimed = await claim(messages.map(({ body }) => body));
        const byId = Map.groupBy(messages, ({ body }) => toDeliveryId(body));
        const claimedIds = new Set(claimed.map(({ delivery }) => toDeliveryId(delivery)));
        for (const message of messages)
          if (!claimedIds.has(toDeliveryId(message.body))) message.ack();
        await tryAll(claimed, async (ended) => {
          if (ended.length === 0) return;
          const updates = ended.map(toUpdate);
          await deliveries.update(updates);
          for (const [i, update] of updates.entries()) {
            noteTry(ended[i] as Ended, update);
            for (const message of byId.get(toDeliveryId(update)) ?? [])
              settleMessage(message, update);
          }
        });
      } catch (error) {
        const fields = { deliveries: messages.length, error: describeError(error) };
        log.warn('deliveries_failed', fields);
        for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
      }
    },
  };
};
