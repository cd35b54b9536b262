import { page, type EmailTemplate } from './template.ts';

/** A short report. `title`; optional: `summary`, `rows`: a list of `{ name, value }`. */
export const report: EmailTemplate = {
  name: 'report',
  variables: { title: 'text', summary: 'text', rows: { rows: ['name', 'value'] } },
  needs: ['title'],
  text: `{{title}}
{{#summary}}

{{summary}}
{{/summary}}
{{#rows}}
{{name}}: {{value}}
{{/rows}}`,
  html: page(
    'Report',
    `<h1 style="font-size:22px">{{title}}</h1>
{{#summary}}<p>{{summary}}</p>{{/summary}}
<table style="border-collapse:collapse">
{{#rows}}<tr><td style="padding:4px 16px 4px 0;color:#57606a">{{name}}</td><td style="padding:4px 0">{{value}}</td></tr>
{{/rows}}</table>`,
  ),
};
