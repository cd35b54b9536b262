import * as z from 'zod';
import { emailAddress } from '../domain/email-address.ts';
import { GiveUp, describeError, RetryLater } from '../domain/errors.ts';
import { saidText } from '../domain/said-text.ts';
import { isObject } from '../domain/json.ts';
import { findWrongVariables, render } from './email/template.ts';
import { templates } from './email/templates.ts';
import { defineHandler } from './handler.ts';

const address = emailAddress;

/** The values that a template shows: texts, numbers and booleans, or lists and objects of them. */
const variable = z.union(
  [
    z.string().max(10_000),
    z.number(),
    z.boolean(),
    z.null(),
    z
      .array(
        z.record(z.string(), z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()])),
      )
      .max(500),
  ],
  'This must be a text, a number, true, false, or a list of rows',
);

/** Not z.record, which drops a key named `__proto__` in silence. */
const variableSet = z
  .custom<Record<string, z.output<typeof variable>>>(isObject, 'Variables are an object')
  .superRefine((given, context) => {
    for (const [name, value] of Object.entries(given))
      for (const issue of variable.safeParse(value).error?.issues ?? [])
        context.addIssue({ ...issue, path: [name, ...issue.path], input: value } as never);
  })
  .meta({ type: 'object', additionalProperties: true });

const templateName = z.enum(Object.keys(templates) as (keyof typeof templates)[]);

// Spelled out: not every reader of the JSON Schema knows \\p{Cc}.
// oxlint-disable-next-line no-control-regex
const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/;

const params = z
  .strictObject({
    to: z.union(
      [address.transform((one) => [one]), z.array(address).min(1).max(50)],
      'Expected an e-mail address, or a list of 1 to 50',
    ),
    // A line break would begin another header.
    subject: saidText(500).regex(ONE_LINE, 'A subject is one line of text'),
    text: saidText(200_000).optional(),
    html: saidText(200_000).optional(),
    template: templateName.optional(),
    variables: variableSet.optional(),
    from: address.optional(),
    reply_to: address.optional(),
  })
  .superRefine(({ text, html, template, variables = {} }, context) => {
    const given = [text, html, template].filter((each) => each !== undefined).length;
    if (given !== 1)
      context.addIssue({
        code: 'custom',
        path: ['template'],
        message: 'Give one of text, html and template',
      });
    if (template === undefined && Object.keys(variables).length > 0)
      context.addIssue({
        code: 'custom',
        path: ['variables'],
        message: 'Variables are for a template',
      });
    for (const [name, message] of findWrongVariables(template && templates[template], variables))
      context.addIssue({ code: 'custom', path: ['variables', name], message });
  });

/** Error codes of the platform that another try would meet again. */
const FINAL = /\bE_(VALIDATION|FIELD|SENDER|RECIPIENT|HEADER|CONTENT|TOO_|EMAIL)\w*/;

export const emailSending = defineHandler({
  type: 'email_sending',
  aliases: ['send_email'],
  description:
    'Sends a mail to up to 50 recipients: text, HTML, or one of the templates welcome, task-failed and report.',
  lane: 'external',
  params,
  example: {
    to: 'ada@example.com',
    subject: 'Welcome',
    template: 'welcome',
    variables: { name: 'Ada' },
  },
  needs: ['EMAIL_FROM'],
  isMetered: true,
  retry: { maxAttempts: 4, baseSeconds: 5, maxSeconds: 300 },
  check: ({ reply_to: replyTo }, { EMAIL_FROM = [], EMAIL_REPLY_TO = [] }) => {
    const allowed = [...EMAIL_FROM, ...EMAIL_REPLY_TO].map((each) => each.toLowerCase());
    if (replyTo === undefined) return undefined;
    const [, domain = ''] = replyTo.toLowerCase().split('@');
    if (allowed.includes(replyTo.toLowerCase()) || allowed.includes(`@${domain}`)) return undefined;
    const message = `"${replyTo}" is neither a sender nor in EMAIL_REPLY_TO`;
    return { path: 'reply_to', message };
  },
  run: async ({ params: mail, taskId, secrets, sendMail }) => {
    const senders = secrets.EMAIL_FROM ?? [];
    const from = mail.from ?? senders[0];
    if (from === undefined || !senders.includes(from))
      throw new GiveUp(`"${from}" is not among the senders of EMAIL_FROM`, 'sender_not_allowed');
    const { to, subject, text, html, template, variables = {}, reply_to: replyTo } = mail;
    const body = template ? render(templates[template], variables) : { text, html };
    // The receiving side tells a repetition by it, should this task have to be run twice.
    const headers = { 'X-Tasker-Task-Id': taskId };
    try {
      const { messageId } = await sendMail({ from, to, subject, replyTo, headers, ...body });
      return { message_id: messageId, to, subject, template: template ?? null };
    } catch (error) {
      const message = `The mail was not taken: ${describeError(error)}`;
      throw FINAL.test(message)
        ? new GiveUp(message, 'mail_refused')
        : new RetryLater(undefined, message, 'mail_failed');
    }
  },
});
