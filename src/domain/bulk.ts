/** What may be done to all tasks that a filter finds. */
export const BULK_ACTIONS = ['cancel', 'pause', 'resume', 'retry', 'delete'] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];
