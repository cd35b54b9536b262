import { page, type EmailTemplate } from './template.ts';

/**
 * Tells that a task failed. `task_id`, `type`, `error`; optional: `title`, `code`, `attempts`,
 * `ended_at`, `owner`.
 */
export const taskFailed: EmailTemplate = {
  name: 'task-failed',
  variables: {
    task_id: 'text',
    type: 'text',
    error: 'text',
    title: 'text',
    code: 'text',
    attempts: 'text',
    ended_at: 'text',
    owner: 'text',
  },
  needs: ['task_id', 'type', 'error'],
  text: `The task {{#title}}"{{title}}" {{/title}}({{type}}) failed{{#attempts}} after {{attempts}} attempts{{/attempts}}.

Error: {{#code}}{{code}}: {{/code}}{{error}}
Id:    {{task_id}}
{{#owner}}
Owner: {{owner}}
{{/owner}}
{{#ended_at}}
Ended: {{ended_at}}
{{/ended_at}}`,
  html: page(
    'Task failed',
    `<h1 style="font-size:22px">{{#title}}{{title}}{{/title}}{{^title}}A task{{/title}} failed</h1>
<p><strong>{{type}}</strong> ended as FAILED{{#attempts}} after {{attempts}} attempts{{/attempts}}.</p>
<p style="padding:12px;background:#fdecec;border-radius:6px">{{#code}}<code>{{code}}</code><br>{{/code}}{{error}}</p>
<p style="color:#57606a">Id <code>{{task_id}}</code>{{#owner}}<br>Owner {{owner}}{{/owner}}{{#ended_at}}<br>Ended {{ended_at}}{{/ended_at}}</p>`,
  ),
};
