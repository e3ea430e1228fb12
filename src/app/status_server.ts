// The HTTP server of a long-running command: its metrics, and whether it is well.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemCode } from '../base/errors.ts';
import type { MetricRegistry } from '../base/metrics.ts';
import { cannotListen, writeAddress } from './status_options.ts';
import type { ListenAddress } from './status_options.ts';

/** How a command is. */
export interface Health {
  /** Why it cannot do its work at present, a sentence each; empty: it is well. */
  readonly reasons: readonly string[];
  /** What else is worth knowing, for people; goes into the answer as JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface StatusOptions {
  readonly address: ListenAddress;
  readonly metrics: Pick<MetricRegistry, 'text' | 'contentType'>;
  readonly health: () => Health | Promise<Health>;
  /** Told what goes wrong in serving; the command itself goes on. */
  readonly say: (line: string) => void;
}

/** A reader that is slow with its request is not waited for longer. */
const REQUEST_MS = 10_000;
/** More readers at once are a mistake or an attack, and would use up the command's files. */
const MOST_CONNECTIONS = 100;
/** An answer that is under way when the server stops may take so long. */
const MOST_END_MS = 1000;

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One that serves, and says where; undefined where nobody is to be served. */
export async function serveStatus(
  options: Omit<StatusOptions, 'address'> & { readonly address: ListenAddress | undefined },
  tell: (line: string) => void,
): Promise<StatusServer | undefined> {
  const { address } = options;
  if (!address) return undefined;
  const server = new StatusServer({ ...options, address });
  await server.start();
  tell(`metrics at ${server.url}/metrics`);
  return server;
}

export class StatusServer {
  readonly #options: StatusOptions;
  readonly #server: Server;
  readonly #answering = new Set<Promise<void>>();

  constructor(options: StatusOptions) {
    this.#options = options;
    const timeouts = {
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS,
    };
    this.#server = createServer(timeouts, (request, response) => {
      const answered = this.#answer(request, response).finally(() => this.#answering.delete(answered));
      this.#answering.add(answered);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    // Nobody waits for this server: a command ends when its work does.
    this.#server.on('connection', (socket) => socket.unref());
  }

  /** Serves from now on. Throws USAGE where nothing can be served. */
  async start(): Promise<void> {
    const { address, say } = this.#options;
    try {
      this.#server.listen(address);
      await once(this.#server, 'listening');
    } catch (cause) {
      throw cannotListen(address, systemCode(cause), cause);
    }
    this.#server.unref();
    this.#server.on('error', (error) => say(`metrics: a connection was not accepted: ${error.message}`));
  }

  /** Where it serves. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${writeAddress({ host: this.#options.address.host, port })}`;
  }

  /** Finishes the answers that are under way and closes all connections. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    const impatience = setTimeout(() => this.#server.closeAllConnections(), MOST_END_MS);
    await Promise.all(this.#answering);
    clearTimeout(impatience);
    // Those that have not asked anything yet are not idle to Node.
    this.#server.closeAllConnections();
    await closed;
  }

  /** Resolves when the answer is sent, or nobody is there any more to take it. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new Promise((resolve) => response.once('close', resolve));
    const answer = await Promise.race([this.#answerTo(request), gone.then(() => undefined)]);
    if (!answer) return;
    const { code, type, body, headers } = answer;
    response.writeHead(code, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...(this.#server.listening ? {} : { Connection: 'close' }),
      ...headers,
    });
    response.end(body);
    await gone;
  }

  async #answerTo({ url = '', method = '' }: IncomingMessage): Promise<Answer> {
    const pages: Readonly<Record<string, () => Promise<Answer>>> = {
      '/metrics': () => this.#metrics(),
      '/healthz': () => this.#health(),
    };
    const [path] = url.split('?', 1);
    if (!Object.hasOwn(pages, path)) return plain(404, `not found; there are ${Object.keys(pages).join(' and ')}`);
    if (method === 'GET' || method === 'HEAD') return pages[path]();
    // Closed, so that nothing of what else is sent has to be read.
    return { ...plain(405, 'GET and HEAD only'), headers: { Allow: 'GET, HEAD', Connection: 'close' } };
  }

  async #metrics(): Promise<Answer> {
    const { metrics } = this.#options;
    try {
      return { code: 200, type: metrics.contentType, body: await metrics.text() };
    } catch (error) {
      return this.#failed('the metrics cannot be read', error);
    }
  }

  async #health(): Promise<Answer> {
    try {
      const { reasons, details } = await this.#options.health();
      const isWell = reasons.length === 0;
      const body = { status: isWell ? 'ok' : 'failing', ...(isWell ? {} : { reasons }), ...details };
      return { code: isWell ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
    } catch (error) {
      return this.#failed('the health cannot be told', error);
    }
  }

  #failed(what: string, error: unknown): Answer {
    const line = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    this.#options.say(`metrics: ${line}`);
    return plain(500, line);
  }
}

function plain(code: number, line: string): Answer {
  return { code, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}
