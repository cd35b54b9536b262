import { page, type EmailTemplate } from './template.ts';

/** A digest of failures. `total`, `since`; `rows`: `{ count, type, error, task_id }`. */
export const failures: EmailTemplate = {
  name: 'failures',
  variables: {
    total: 'text',
    since: 'text',
    more: 'text',
    rows: { rows: ['count', 'type', 'error', 'task_id'] },
  },
  needs: ['total', 'since', 'rows'],
  text: `{{total}} tasks failed since {{since}}:
{{#rows}}

{{count}} × {{type}}: {{error}}
    for example {{task_id}}
{{/rows}}
{{#more}}

{{more}}
{{/more}}`,
  html: page(
    'Tasks failed',
    `<h1 style="font-size:22px">{{total}} tasks failed</h1>
<p style="color:#57606a">Since {{since}}</p>
<table style="border-collapse:collapse">
{{#rows}}<tr><td style="padding:4px 16px 4px 0;text-align:right">{{count}} ×</td><td style="padding:4px 16px 4px 0"><strong>{{type}}</strong><br>{{error}}<br><code style="color:#57606a">{{task_id}}</code></td></tr>
{{/rows}}</table>
{{#more}}<p>{{more}}</p>{{/more}}`,
  ),
};
