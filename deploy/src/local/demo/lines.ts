/** The texts of the demo: one web shop, seen through its proxy, its application and its events. */

/** Uniform in [0, 1). */
export type Random = () => number;

const paths = [
  '/',
  '/products',
  '/products/{n}',
  '/cart',
  '/checkout',
  '/api/orders',
  '/api/orders/{n}',
  '/login',
];
const assets = ['/static/app.css', '/static/app.js', '/favicon.ico', '/img/{n}.webp'];
const agents = [
  'Mozilla/5.0 (X11; Linux x64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'curl/8.14.1',
];
const statuses = [200, 200, 200, 200, 200, 200, 200, 200, 304, 304, 302, 404, 404, 403, 500, 502];
const loggers = [
  'shop.checkout.PaymentService',
  'shop.stock.Inventory',
  'shop.web.OrderController',
  'shop.mail.Sender',
];
const failures = [
  [
    'java.sql.SQLTransientConnectionException',
    'pool-1 - Connection is not available, request timed out after 30000ms',
  ],
  ['java.net.SocketTimeoutException', 'Read timed out'],
  ['shop.checkout.CardDeclinedException', 'card declined by issuer'],
  ['java.lang.NullPointerException', 'Cannot invoke "Order.total()" because "order" is null'],
] as const;
const events = ['order_created', 'order_paid', 'cart_updated', 'user_login', 'mail_sent'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function pick<T>(random: Random, from: readonly T[]): T {
  const item = from[Math.floor(random() * from.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

const number = (random: Random, below: number) => Math.floor(random() * below);

/** One line of nginx' combined format. */
export function accessLine(now: Date, random: Random): string {
  const path = pick(random, random() < 0.7 ? paths : assets).replace(
    '{n}',
    String(1000 + number(random, 200)),
  );
  const method = path.startsWith('/api') || path === '/login' ? pick(random, ['GET', 'POST']) : 'GET';
  const status = pick(random, statuses);
  const bytes = status === 304 ? 0 : 200 + number(random, 40_000);
  const referrer = random() < 0.5 ? 'https://shop.example/products' : '-';
  const address = `203.0.113.${1 + number(random, 60)}`;
  return `${address} - - [${accessTime(now)}] "${method} ${path} HTTP/1.1" ${status} ${bytes} "${referrer}" "${pick(random, agents)}"\n`;
}

/** One record of the application's log; one in eight is an error with its stack trace. */
export function appRecord(now: Date, random: Random): string {
  const head = (level: string) =>
    `${now.toISOString().replace('T', ' ').replace('Z', '')} ${level.padEnd(5)} [http-${number(random, 8)}] ${pick(random, loggers)} - `;
  const order = 100_000 + number(random, 900_000);
  if (random() < 0.125) {
    const [type, text] = pick(random, failures);
    const frames = Array.from({ length: 4 + number(random, 8) }, () => {
      const owner = pick(random, loggers);
      return `\tat ${owner}.handle(${owner.split('.').at(-1)}.java:${20 + number(random, 400)})\n`;
    });
    return `${head('ERROR')}order ${order} failed\n${type}: ${text}\n${frames.join('')}`;
  }
  if (random() < 0.1) return `${head('WARN')}order ${order} is slow: ${500 + number(random, 4000)} ms\n`;
  return `${head('INFO')}order ${order} done in ${5 + number(random, 200)} ms\n`;
}

/** One event as a JSON line. */
export function jsonLine(now: Date, random: Random): string {
  const event = pick(random, events);
  const record = {
    time: now.toISOString(),
    level: event === 'mail_sent' && random() < 0.1 ? 'error' : 'info',
    event,
    user: { id: number(random, 5000), plan: pick(random, ['free', 'team', 'business']) },
    amount: Math.round(random() * 20_000) / 100,
    took_ms: number(random, 900),
    region: pick(random, ['eu-west-1', 'us-east-1', 'ap-northeast-2']),
  };
  return `${JSON.stringify(record)}\n`;
}

/** 22/Nov/2026:16:49:13 +0000 */
function accessTime(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(now.getUTCDate())}/${months[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
  return `${day}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000`;
}
