import { page, type EmailTemplate } from './template.ts';

/** Greets a new user. `name`; optional: `service`, `url`. */
export const welcome: EmailTemplate = {
  name: 'welcome',
  variables: { name: 'text', service: 'text', url: 'link' },
  needs: ['name'],
  text: `Hello {{name}},

welcome{{#service}} to {{service}}{{/service}}.
{{#url}}
Start here: {{url}}
{{/url}}`,
  html: page(
    'Welcome',
    `<h1 style="font-size:22px">Hello {{name}}</h1>
<p>Welcome{{#service}} to {{service}}{{/service}}.</p>
{{#url}}<p><a href="{{url}}">Start here</a></p>{{/url}}`,
  ),
};
