import { report } from './report.ts';
import { taskFailed } from './task-failed.ts';
import type { EmailTemplate } from './template.ts';
import { welcome } from './welcome.ts';

/** The templates of `email_sending`, by the name that a task gives. */
export const templates = { welcome, 'task-failed': taskFailed, report } satisfies Record<
  string,
  EmailTemplate
>;
