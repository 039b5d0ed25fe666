// Runs as a Lambda when the stack is deployed, as the domain's master user: makes the roles of the domain and says
// which roles of IAM have them. It answers CloudFormation itself, so that nothing else is needed for it.
const { createHash, createHmac } = require('node:crypto');

const hash = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** Headers of a request by Signature Version 4, for the service `es`. */
exports.signed = ({ method, url, body, env, date }) => {
  const { host, pathname } = new URL(url);
  const time = `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const headers = {
    'content-type': 'application/json',
    host,
    'x-amz-content-sha256': hash(body),
    'x-amz-date': time,
    'x-amz-security-token': env.AWS_SESSION_TOKEN,
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const request = [method, pathname, '', lines.join(''), names, hash(body)].join('\n');
  const scope = [time.slice(0, 8), env.AWS_REGION, 'es', 'aws4_request'];
  const key = scope.reduce(hmac, `AWS4${env.AWS_SECRET_ACCESS_KEY}`);
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), hash(request)].join('\n');
  const signature = hmac(key, text).toString('hex');
  const credential = `${env.AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
};

/** A new domain refuses its master user for some seconds. */
const tries = 8;
const pauseMs = 5000;

function put(endpoint, path, value, env) {
  const url = `${endpoint}/_plugins/_security/api/${path}`;
  const body = JSON.stringify(value);
  const headers = () => exports.signed({ method: 'PUT', url, body, env, date: new Date() });
  return send(path, url, body, headers, env);
}

async function send(what, url, body, headers, env) {
  for (let i = 1; ; i++) {
    const why = await fetch(url, { method: 'PUT', headers: headers(), body }).then(
      async (answer) => (answer.ok ? '' : `${answer.status} ${(await answer.text()).slice(0, 200)}`),
      (error) => `${error.message}: ${error.cause?.message}`,
    );
    if (why === '') return;
    if (i === tries) throw new Error(`PUT ${what}: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, env.PAUSE_MS ?? pauseMs));
  }
}

exports.handler = async (event) => {
  const { Endpoint, Roles } = event.ResourceProperties;
  const answer = { Status: 'SUCCESS', PhysicalResourceId: 'roles' };
  try {
    // Roles go with their domain: nothing is to be done when the stack is deleted.
    if (event.RequestType !== 'Delete')
      for (const [name, { who, ...role }] of Object.entries(JSON.parse(Roles))) {
        await put(Endpoint, `roles/${name}`, role, process.env);
        await put(Endpoint, `rolesmapping/${name}`, { backend_roles: who }, process.env);
      }
  } catch (error) {
    Object.assign(answer, { Status: 'FAILED', Reason: error.message });
  }
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({ ...answer, StackId, RequestId, LogicalResourceId });
  // Bytes: of a text `fetch` would say what type it is, for which the address is not signed.
  await send('the answer', event.ResponseURL, Buffer.from(body), () => ({}), process.env);
};
