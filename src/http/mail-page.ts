/** The mails that a development server has caught, newest first. */
import type { App } from '#app.ts'
import type { CaughtMail } from '#mail/mail-catcher.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
article{border-top:1px solid #8884;padding:1rem 0}h2{font-size:1.1rem;margin:0}dl{margin:.25rem 0;opacity:.75}
dt,dd{display:inline;margin:0}pre{white-space:pre-wrap;font:inherit;margin:.5rem 0 0}code{font-size:1.3rem}`

export function mailPage(app: App): Response {
  const mails = app.mailCatcher.list()
  const list = mails.length > 0 ? mails.map(entry).join('') : '<p>No mail yet.</p>'
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail of ${escaped(app.config.hostname)}</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body><h1>Mail</h1>${list}</body></html>`
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'cache-control': 'no-store',
    },
  })
}

function entry({ to, subject, text, code, caughtAt }: CaughtMail): string {
  const when = new Date(caughtAt).toISOString()
  return `<article><h2>${escaped(subject)}</h2><dl><dt>to</dt> <dd>${escaped(to)}</dd>, <dd><time>${when}</time></dd></dl>${
    code === null ? '' : `<p><code>${escaped(code)}</code></p>`
  }<pre>${escaped(text)}</pre></article>`
}

function escaped(text: string): string {
  return Bun.escapeHTML(text)
}
