// The pages do their job: the sign-in page comes as HTML, and a script it names can be fetched.
const base = process.env.FRONTEND_URL

async function get(path) {
  const response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(20_000) })
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`)
  return { type: response.headers.get('content-type') ?? '', text: await response.text() }
}

await get('/healthz')
const page = await get('/')
if (!page.type.startsWith('text/html')) throw new Error(`/ is ${page.type}, not HTML`)
const script = page.text.match(/<script[^>]+src="([^"]+\.js[^"]*)"/)?.[1]
if (!script) throw new Error('/ names no script')
const code = await get(script.replaceAll('&amp;', '&'))
if (!code.type.includes('javascript')) throw new Error(`${script} is ${code.type}, not JavaScript`)
console.log(`frontend: serves its page and ${script}`)
