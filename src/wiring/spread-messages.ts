import { getServices, type Services } from './services.ts';

/** A message comes back after this while its owner is moved, or nobody knows where it lives. */
const RETRY_SECONDS = 2;

/**
 * Hands the messages of a batch to the shards of their owners, side by side: one database that does not
 * answer keeps nobody else waiting. Of an owner that is being moved nothing begins until it is there.
 */
export const forEachShard = async (
  env: Env,
  messages: readonly Message[],
  work: (services: Services, own: readonly Message[]) => Promise<void>,
): Promise<void> => {
  const { homes, log } = getServices(env);
  if (homes.count === 1) return work(getServices(env), messages);
  const ownerOf = ({ body }: Message): string =>
    String((body as { owner?: unknown } | null)?.owner);
  const groups = await Promise.all(
    messages.map(async (message) => ({ message, home: await homes.find(ownerOf(message)) })),
  ).catch((error: unknown) => {
    log.warn('homes_not_found', { error: String(error) });
    return null;
  });
  if (groups === null) {
    for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
    return;
  }
  for (const { message, home } of groups)
    if (home.isMoving) message.retry({ delaySeconds: RETRY_SECONDS });
  const settled = groups.filter(({ home }) => !home.isMoving);
  const byShard = Map.groupBy(settled, ({ home }) => home.shard);
  await Promise.all(
    [...byShard].map(([shard, own]) =>
      work(
        getServices(env, shard),
        own.map(({ message }) => message),
      ),
    ),
  );
};
