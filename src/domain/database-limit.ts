/** How full a database may be, as parts of its limit: it warns, … */
export const WARN_PART = 0.7;
/** … prunes, where the operator wants that, … */
export const PRUNE_PART = 0.85;
/** … and takes no new tasks, so that those that were accepted can end. */
export const REFUSE_PART = 0.95;
