// The status server over real connections: what it answers, whom it refuses, and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { METRICS_OPTION, cannotListen, readMetricsAddress, writeAddress } from '../../src/app/status_options.ts';
import { StatusServer } from '../../src/app/status_server.ts';
import type { Health, StatusOptions } from '../../src/app/status_server.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { MetricRegistry } from '../../src/base/metrics.ts';
import type { MetricTable } from '../../src/base/metrics.ts';
import { testWhere } from '../needs.ts';
import { ended } from './program.ts';

const TABLE = {
  batches: { type: 'counter', name: 'windrow_small_batches_total', help: 'Batches made.' },
  dropped: {
    type: 'counter',
    name: 'windrow_small_dropped_total',
    help: 'Batches dropped.',
    labels: { reason: ['size', 'age'] },
  },
  bytes: { type: 'gauge', name: 'windrow_small_bytes', help: 'Bytes that wait.' },
  wait: { type: 'histogram', name: 'windrow_small_wait_seconds', help: 'Time waited.', buckets: [0.5, 5] },
} as const satisfies MetricTable;

const TEXT = `# HELP windrow_small_batches_total Batches made.
# TYPE windrow_small_batches_total counter
windrow_small_batches_total 3

# HELP windrow_small_dropped_total Batches dropped.
# TYPE windrow_small_dropped_total counter
windrow_small_dropped_total{reason="size"} 0
windrow_small_dropped_total{reason="age"} 2

# HELP windrow_small_bytes Bytes that wait.
# TYPE windrow_small_bytes gauge
windrow_small_bytes 1500

# HELP windrow_small_wait_seconds Time waited.
# TYPE windrow_small_wait_seconds histogram
windrow_small_wait_seconds_bucket{le="0.5"} 1
windrow_small_wait_seconds_bucket{le="5"} 1
windrow_small_wait_seconds_bucket{le="+Inf"} 2
windrow_small_wait_seconds_sum 60.25
windrow_small_wait_seconds_count 2
`;

/** The metrics that the text above tells. */
function smallMetrics(): MetricRegistry {
  const registry = new MetricRegistry();
  const m = registry.add(TABLE);
  m.batches.inc(3);
  m.dropped.inc({ reason: 'age' }, 2);
  m.bytes.set(1500);
  m.wait.observe(0.25);
  m.wait.observe(60);
  return registry;
}

const WELL: Health = { reasons: [] };
const LOOPBACK = { host: '127.0.0.1', port: 0 };

const opened: { destroy(): void }[] = [];
const started: StatusServer[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

interface Serving {
  readonly server: StatusServer;
  readonly port: number;
  readonly said: string[];
}

async function serve(options: Partial<StatusOptions> = {}): Promise<Serving> {
  const said: string[] = [];
  const server = new StatusServer({
    address: LOOPBACK,
    metrics: smallMetrics(),
    health: () => WELL,
    say: (line) => said.push(line),
    ...options,
  });
  await server.start();
  started.push(server);
  return { server, port: Number(new URL(server.url).port), said };
}

interface Got {
  readonly code: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(port: number, path: string, options: http.RequestOptions = {}): Promise<Got> {
  const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options }).end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { code: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() };
}

/** A connection on which nothing is asked that is not written here. */
async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  opened.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side closes. */
async function rest(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(socket, 'close');
  return text;
}

/** A promise that somebody else resolves. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((r) => (resolve = r)), resolve };
}

describe('/metrics', () => {
  test('is the metrics, letter by letter, in the text format', async () => {
    const { port } = await serve();
    const { code, headers, body } = await ask(port, '/metrics');
    expect(code).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toBe(TEXT);
  });

  test('is read anew each time', async () => {
    const registry = new MetricRegistry();
    const { bytes } = registry.add({ bytes: TABLE.bytes });
    const { port } = await serve({ metrics: registry });
    expect((await ask(port, '/metrics')).body).toContain('windrow_small_bytes 0\n');
    bytes.set(7);
    expect((await ask(port, '/metrics?name=x')).body).toContain('windrow_small_bytes 7\n');
  });

  test('that cannot be read is an error of this answer alone, and is said', async () => {
    const registry = smallMetrics();
    let isBroken = true;
    registry.beforeReading(() => {
      if (isBroken) throw new Error('no queue');
    });
    const { port, said } = await serve({ metrics: registry });
    const failed = await ask(port, '/metrics');
    expect([failed.code, failed.body]).toEqual([500, 'the metrics cannot be read: no queue\n']);
    expect(said).toEqual(['metrics: the metrics cannot be read: no queue']);
    isBroken = false;
    expect((await ask(port, '/metrics')).body).toBe(TEXT);
    expect(said).toHaveLength(1);
  });
});

describe('/healthz', () => {
  test('is 200 while all is well, and 503 with the reasons while not', async () => {
    let health: Health = { reasons: [], details: { partitions: 3 } };
    const { port } = await serve({ health: () => health });
    const well = await ask(port, '/healthz');
    expect(well.code).toBe(200);
    expect(well.headers['content-type']).toBe('application/json');
    expect(well.body).toBe('{"status":"ok","partitions":3}\n');
    health = { reasons: ['no broker is connected', 'the disk is full'], details: { partitions: 0 } };
    const ill = await ask(port, '/healthz');
    expect(ill.code).toBe(503);
    expect(JSON.parse(ill.body)).toEqual({ status: 'failing', reasons: health.reasons, partitions: 0 });
    health = WELL;
    expect((await ask(port, '/healthz')).body).toBe('{"status":"ok"}\n');
  });

  test('may take its time', async () => {
    const health = deferred<Health>();
    const { port } = await serve({ health: () => health.promise });
    const answer = ask(port, '/healthz');
    expect((await ask(port, '/metrics')).code).toBe(200);
    health.resolve(WELL);
    expect((await answer).code).toBe(200);
  });

  test('that cannot be told is an error, and is said', async () => {
    const { port, said } = await serve({ health: () => Promise.reject(new Error('nobody knows')) });
    const { code, body } = await ask(port, '/healthz');
    expect([code, body]).toEqual([500, 'the health cannot be told: nobody knows\n']);
    expect(said).toEqual(['metrics: the health cannot be told: nobody knows']);
  });
});

describe('a request', () => {
  test.each(['/metrics', '/healthz'])('HEAD %s is answered as GET is, without the body', async (path) => {
    const { port } = await serve();
    const [get, head] = [await ask(port, path), await ask(port, path, { method: 'HEAD' })];
    expect([head.code, head.body]).toEqual([200, '']);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
    expect(Number(head.headers['content-length'])).toBe(get.body.length);
  });

  test.each(['/', '/metrics/', '/Metrics', '//metrics', '/healthz/x', '/constructor', '/__proto__', '*'])(
    'for %s finds nothing but what there is instead',
    async (path) => {
      const { port } = await serve();
      const { code, body } = await ask(port, path);
      expect([code, body]).toEqual([404, 'not found; there are /metrics and /healthz\n']);
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('by %s is not allowed', async (method) => {
    const { port } = await serve();
    const { code, headers, body } = await ask(port, '/metrics', { method });
    expect([code, headers.allow, body]).toEqual([405, 'GET, HEAD', 'GET and HEAD only\n']);
    expect((await ask(port, '/nothing', { method })).code).toBe(404);
  });

  test('with an endless body is not read to its end', async () => {
    const { port } = await serve();
    const socket = await connect(port);
    socket.write('POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nbegin');
    expect(await rest(socket)).toMatch(/^HTTP\/1\.1 405 /);
  });

  test('that is no HTTP is refused, and the next one is answered', async () => {
    const { port } = await serve();
    const socket = await connect(port);
    socket.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n');
    expect(await rest(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask(port, '/metrics')).code).toBe(200);
  });

  test('of the hundred-and-first connection at once is closed, and served once there is room', async () => {
    const { port } = await serve();
    const silent = await Promise.all(Array.from({ length: 100 }, () => connect(port)));
    expect(await rest(await connect(port))).toBe('');
    const left = once(silent[0], 'close');
    silent[0].write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    silent[0].resume();
    await left;
    expect((await ask(port, '/metrics')).code).toBe(200);
  });
});

describe('starting', () => {
  test('where another serves is refused with what to do, and disturbs nobody', async () => {
    const { port } = await serve();
    const second = serve({ address: { host: '127.0.0.1', port } });
    await expect(second).rejects.toThrow(WindrowError);
    await expect(second).rejects.toMatchObject({
      code: 'USAGE',
      message: `--metrics 127.0.0.1:${port}: another program serves there, perhaps another windrow; choose another with --metrics HOST:PORT, or --metrics off`,
    });
    expect((await ask(port, '/metrics')).body).toBe(TEXT);
  });

  test('at an address of another machine is refused', async () => {
    const started = serve({ address: { host: '192.0.2.1', port: 0 } });
    await expect(started).rejects.toThrow('--metrics 192.0.2.1:0: this machine has no such address; choose another');
  });

  test.each([
    ['EACCES', /^--metrics 127\.0\.0\.1:80: this user may not serve there: ports below 1024 .*--metrics off$/],
    ['ENOTFOUND', /no such host is known; choose another/],
    ['EAI_AGAIN', /cannot be looked up at present; choose another/],
    ['EWHATEVER', /: the system said so; choose another/],
  ])('that fails with %s says why and what to do', (code, message) => {
    const cause = new Error('the system said so');
    const error = cannotListen({ host: '127.0.0.1', port: 80 }, code, cause);
    expect(error.message).toMatch(message);
    expect([error.code, error.exitCode, error.cause]).toEqual(['USAGE', 2, cause]);
  });

  const hasLoopback6 = Object.values(os.networkInterfaces()).some((all) => all?.some((one) => one.address === '::1'));
  testWhere(hasLoopback6, 'there is no IPv6 loopback')('on IPv6 serves, and has an address for it', async () => {
    const { server, port } = await serve({ address: readMetricsAddress('[::1]:0')! });
    expect(server.url).toBe(`http://[::1]:${port}`);
    expect((await ask(port, '/metrics', { host: '::1' })).body).toBe(TEXT);
  });
});

describe('stopping', () => {
  test('closes connections that are kept alive, have asked nothing yet, or half of it', async () => {
    const { server, port } = await serve();
    const agent = new http.Agent({ keepAlive: true });
    expect((await ask(port, '/metrics', { agent })).headers.connection).toBe('keep-alive');
    const [kept] = Object.values(agent.freeSockets).flat() as net.Socket[];
    const silent = await connect(port);
    const half = await connect(port);
    half.write('GET /metrics HTTP/1.1\r\nHo');
    const closed = [kept, silent, half].map((socket) => new Promise((resolve) => socket.resume().on('close', resolve)));
    await server.stop();
    await Promise.all(closed);
    const again = await serve({ address: { host: '127.0.0.1', port } });
    expect((await ask(again.port, '/healthz')).code).toBe(200);
  });

  test('finishes an answer that is under way, and takes no other request', async () => {
    const [asked, health] = [deferred<undefined>(), deferred<Health>()];
    const { server, port } = await serve({
      health: () => {
        asked.resolve(undefined);
        return health.promise;
      },
    });
    const answer = ask(port, '/healthz', { agent: new http.Agent({ keepAlive: true }) });
    await asked.promise;
    const stopped = server.stop();
    await expect(ask(port, '/metrics')).rejects.toThrow(/ECONNREFUSED/);
    health.resolve(WELL);
    const { code, headers } = await answer;
    expect([code, headers.connection]).toEqual([200, 'close']);
    await stopped;
  });

  test('does not wait for an answer that never comes', async () => {
    const asked = deferred<undefined>();
    const { server, port } = await serve({
      health: () => {
        asked.resolve(undefined);
        return new Promise<Health>(() => undefined);
      },
    });
    const answer = ask(port, '/healthz');
    const broken = expect(answer).rejects.toThrow(/socket hang up|ECONNRESET/);
    await asked.promise;
    await server.stop();
    await broken;
  });

  test('is over when nobody is there any more to take the answer', async () => {
    const asked = deferred<undefined>();
    const { server, port, said } = await serve({
      health: () => {
        asked.resolve(undefined);
        return new Promise<Health>(() => undefined);
      },
    });
    const socket = await connect(port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await asked.promise;
    socket.destroy();
    await server.stop();
    expect(said).toEqual([]);
  });

  test('may be done twice, and before the start', async () => {
    const { server } = await serve();
    await server.stop();
    await server.stop();
    const never = new StatusServer({
      address: LOOPBACK,
      metrics: smallMetrics(),
      health: () => WELL,
      say: () => undefined,
    });
    await never.stop();
  });

  test('is not needed for a process to end, also with a connection open', async () => {
    const script = `
      import net from 'node:net';
      import { StatusServer } from './dist/app/status_server.js';
      import { MetricRegistry } from './dist/base/metrics.js';
      const metrics = new MetricRegistry();
      metrics.addProcessMetrics();
      const address = { host: '127.0.0.1', port: 0 };
      const server = new StatusServer({ address, metrics, health: () => ({ reasons: [] }), say: console.error });
      await server.start();
      const answer = await fetch(server.url + '/metrics');
      console.log(answer.status, /^process_cpu_seconds_total /m.test(await answer.text()));
      net.connect(new URL(server.url).port, '127.0.0.1').unref();
    `;
    // Sooner than the server would close the connection by itself.
    const options = { stdio: ['ignore', 'pipe', 'pipe'] as ('ignore' | 'pipe')[], timeout: 9000 };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], options);
    expect(await ended(child)).toEqual({ code: 0, signal: null, stdout: '200 true\n', stderr: '' });
  });
});

describe('--metrics', () => {
  test.each([
    [METRICS_OPTION.default, { host: '127.0.0.1', port: 9464 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['flow-1.example.net:80', { host: 'flow-1.example.net', port: 80 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['[::]:9464', { host: '::', port: 9464 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ])('%s is read, and written as it was', (text, address) => {
    expect(readMetricsAddress(text)).toEqual(address);
    expect(writeAddress(address)).toBe(text);
  });

  test('off is nowhere', () => {
    expect(readMetricsAddress('off')).toBeUndefined();
  });

  test.each([
    ['9464', 'there is no port in it'],
    ['', 'there is no port in it'],
    ['OFF', 'there is no port in it'],
    ['[::1]', 'there is no port in it'],
    ['::1', 'an IPv6 address stands in brackets'],
    ['[::1]9464', 'there is no port in it'],
    ['line\nline:1', 'line\nline is neither'],
    [':9464', 'there is no host in it; 0.0.0.0 is every address of this machine'],
    ['::1:9464', 'an IPv6 address stands in brackets'],
    ['[]:9464', 'there is no host in it'],
    ['[127.0.0.1]:9464', '127.0.0.1 is no IPv6 address'],
    ['[::1::]:9464', '::1:: is no IPv6 address'],
    ['127.0.0:9464', '127.0.0 is neither a name nor an IPv4 address'],
    ['256.0.0.1:9464', '256.0.0.1 is neither a name nor an IPv4 address'],
    ['a b:9464', 'a b is neither a name nor an IPv4 address'],
    ['http://localhost:9464', 'a URL is more than that'],
    ['localhost:', 'a port is a number up to 65535'],
    ['localhost:65536', 'a port is a number up to 65535'],
    ['localhost:-1', 'a port is a number up to 65535'],
    ['localhost:80/metrics', 'a URL is more than that'],
    ['localhost:0x50', 'a port is a number up to 65535'],
  ])('%s is refused with what was expected', (text, why) => {
    const read = (): unknown => readMetricsAddress(text);
    expect(read).toThrow(WindrowError);
    expect(read).toThrow(`--metrics ${text}: expected HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464, or off; `);
    expect(read).toThrow(why);
  });
});
