import { WEBHOOK_OVERLAP_MS } from '../domain/delivery.ts';
import { deriveWebhookSecret } from '../domain/derived-secret.ts';
import type { OwnerStore } from '../store/owners.ts';

/** An owner's secrets are held in memory this long. */
const HOLD_MS = 10_000;
const MAX_HELD = 1_000;

/**
 * The secrets that an owner's callbacks are signed with: one, or two on the day after a rotation.
 */
export const createSecretFinder = ({
  root,
  owners,
  now,
}: {
  root: string | undefined;
  owners: Pick<OwnerStore, 'get'>;
  now(): number;
}) => {
  const held = new Map<string, { secrets: string[]; until: number }>();
  return async (owner: string): Promise<string[]> => {
    if (root === undefined) return [];
    const known = held.get(owner);
    if (known && now() < known.until) return known.secrets;
    const { webhook_version: version, webhook_rotated_at: rotatedAt } = await owners.get(owner);
    const hasPrevious = version > 0 && now() < (rotatedAt ?? 0) + WEBHOOK_OVERLAP_MS;
    const versions = hasPrevious ? [version, version - 1] : [version];
    const secrets = await Promise.all(
      versions.map((each) => deriveWebhookSecret(root, owner, each)),
    );
    if (held.size >= MAX_HELD) held.clear();
    held.set(owner, { secrets, until: now() + HOLD_MS });
    return secrets;
  };
};
