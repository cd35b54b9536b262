import type { LimitDetail, LimitSettings, LimitView } from './limit-types.ts';
import type { SendJson } from './request.ts';

interface Page {
  limits: LimitView[];
  pagination: { next_cursor: string | null };
}

const limitPath = (key: string, rest = ''): string => `/limits/${encodeURIComponent(key)}${rest}`;

/** How many tasks run at once, and how fast they begin. */
export const createLimitCalls = (json: SendJson) => ({
  /** All, by key. */
  async *list(): AsyncGenerator<LimitView> {
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page = await json(`/limits?page_size=100${query}`);
      yield* page.limits;
      cursor = page.pagination.next_cursor;
    }
  },

  get: (key: string): Promise<LimitDetail> => json(limitPath(key)),

  /** Makes it, or gives it other numbers: what is left out is not limited. It holds at once. */
  set: (key: string, settings: LimitSettings): Promise<LimitDetail> =>
    json(limitPath(key), { method: 'PUT', json: settings, isRepeatable: true }),

  /** Deletes it: what waits for it is let go. */
  delete: (key: string): Promise<void> => json(limitPath(key), { method: 'DELETE' }),

  /** Lets nothing begin for so long; until it is resumed unless given. */
  pause: (key: string, { seconds }: { seconds?: number } = {}): Promise<LimitDetail> =>
    json(limitPath(key, '/pause'), { method: 'POST', json: { seconds }, isRepeatable: true }),

  resume: (key: string): Promise<LimitDetail> =>
    json(limitPath(key, '/resume'), { method: 'POST', isRepeatable: true }),
});
