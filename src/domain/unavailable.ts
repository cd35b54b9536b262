import { AppError, describeError, type ErrorCode } from './errors.ts';

const NAMES = { database_unavailable: 'database', storage_unavailable: 'file storage' } as const;
type UnavailableCode = ErrorCode & keyof typeof NAMES;

/**
 * Asks the database, or other storage; one that does not answer is a 503. Refusals of ours pass
 * through.
 */
export const guardUnavailable = async <T>(
  log: { error(event: string, fields: { error: string }): void },
  work: () => Promise<T>,
  code: UnavailableCode = 'database_unavailable',
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    log.error(code, { error: describeError(error) });
    const message = `The ${NAMES[code]} did not answer; try again`;
    throw new AppError(code, message, { retryAfterSeconds: 2, cause: error });
  }
};

/** https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
export const isOverloaded = (error: unknown): boolean =>
  (error as { overloaded?: unknown } | null)?.overloaded === true;
