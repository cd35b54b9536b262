/**
 * The name that `nameStatement` gave a statement of ours; the text itself of one that the query
 * builder made.
 */
export const readStatementName = (sql: string): string => /^\/\* (\S+) \*\//.exec(sql)?.[1] ?? sql;
