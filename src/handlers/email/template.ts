import Mustache from 'mustache';

/** A mail in both forms, written in Mustache: logic-less, and escaped in the HTML. */
export interface EmailTemplate {
  /** Variables that must be given. */
  needs: readonly string[];
  /** Variables that become links: only http and https. */
  links?: readonly string[];
  text: string;
  html: string;
}

export type Variables = Record<string, unknown>;

/** Fills a template in; what is text stays text, in both forms. */
export const render = (
  { text, html }: EmailTemplate,
  variables: Variables,
): { text: string; html: string } => ({
  text: Mustache.render(text, variables, {}, { escape: String }),
  html: Mustache.render(html, variables),
});

/** The frame of every HTML mail. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body style="margin:0;padding:24px;background:#f5f6f8;font:16px/1.5 system-ui,sans-serif;color:#1b1f24">
<div style="max-width:560px;margin:auto;padding:24px;background:#fff;border-radius:8px">
${body}
</div>
</body>
</html>`;
