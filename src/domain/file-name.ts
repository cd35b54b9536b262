/** The name of a file under `/files`: one path segment, no leading dot. */
export const FILE_NAME = /^(?!\.)[\w.-]{1,200}$/;
/** Largest file that is taken. */
export const MAX_FILE_BYTES = 25 * 1_024 * 1_024;
