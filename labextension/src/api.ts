/**
 * The only caller of the server: each function is one route below `/fasttrack/`, typed by `generated.ts`.
 * An answer that is no success becomes an {@link ApiError}, with the server's own words and remedy.
 */
import { PathExt, URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

/** What the server says went wrong. */
export class ApiError extends Error {
  /** `code` is stable; `hint` says what to do; `status` is the HTTP status, 0 where there was no answer. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string = '',
    readonly details: Record<string, unknown> = {}
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether the server could not be reached, or its engine is on its way up. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503;
  }

  /** Whether the server no longer knows who asks. */
  get isSignedOut(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** Whether it is the connection that is not well, whatever was asked. */
  get isCutOff(): boolean {
    return this.isUnreachable || this.isSignedOut;
  }
}

/** Words of a query; undefined ones are left out, lists are repeated. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

interface How {
  query?: Query;
  body?: unknown;
  bytes?: Blob;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** Talks to one Jupyter server. */
export class Api {
  /** `trans` is for what is said when there is no answer; what the server says is passed on as it is. */
  constructor(
    private readonly settings = ServerConnection.makeSettings(),
    readonly trans = nullTranslator.load('')
  ) {}

  /** The absolute address of a route, for links and images. */
  url(path: string, query: Query = {}): string {
    return URLExt.join(this.settings.baseUrl, 'fasttrack', path) + queryString(query);
  }

  /** GET a route's JSON. */
  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return (await (await this.fetch('GET', path, { query, signal })).json()) as T;
  }

  /** Send JSON with a method of your choice; the answer's JSON, or undefined where it has none. */
  async send<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    query: Query = {}
  ): Promise<T> {
    const answer = await this.fetch(method, path, { body, query });
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  /** PUT bytes as they are. */
  async put<T>(path: string, bytes: Blob, query: Query, signal?: AbortSignal): Promise<T> {
    return (await (await this.fetch('PUT', path, { bytes, query, signal })).json()) as T;
  }

  /** POST JSON, and have the answer as it is: a stream of lines. */
  async stream(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return this.fetch('POST', path, { body, signal });
  }

  /** GET a route's answer as it is (text, bytes, a stream of lines). */
  async raw(
    path: string,
    query: Query = {},
    signal?: AbortSignal,
    headers: Record<string, string> = {}
  ): Promise<Response> {
    return this.fetch('GET', path, { query, signal, headers });
  }

  /** The error of a server that gives no answer. */
  unreachable(): ApiError {
    const { trans } = this;
    const message = trans.__('The Jupyter server does not answer');
    return new ApiError(0, 'unreachable', message, trans.__('Check that it still runs.'));
  }

  /** After a question that the server did not answer, or answered that it does not know who asks. */
  get cutOff(): ISignal<this, ApiError> {
    return this._cutOff;
  }

  private async fetch(method: string, path: string, how: How): Promise<Response> {
    try {
      return await this.ask(method, path, how);
    } catch (error) {
      if (error instanceof ApiError && error.isCutOff) {
        this._cutOff.emit(error);
      }
      throw error;
    }
  }

  private async ask(method: string, path: string, how: How): Promise<Response> {
    const init: RequestInit = { method, signal: how.signal, headers: how.headers, body: how.bytes };
    if (how.body !== undefined) {
      init.body = JSON.stringify(how.body);
    }
    let answer: Response;
    try {
      answer = await ServerConnection.makeRequest(this.url(path, how.query), init, this.settings);
    } catch (error) {
      if (how.signal?.aborted) {
        throw error;
      }
      throw this.unreachable();
    }
    if (!answer.ok) {
      throw await errorOf(answer);
    }
    return answer;
  }

  private readonly _cutOff = new Signal<this, ApiError>(this);
}

/** A word of a path: job ids, task paths (whose slashes must come as %2F), file names. */
export function word(text: string): string {
  return encodeURIComponent(text);
}

/** The absolute path on the server's machine of a contents path; undefined where contents are not on disk. */
export function toSource(path: string, root: string | null | undefined): string | undefined {
  return root && !path.includes(':') ? `${root.replace(/\/$/, '')}/${PathExt.removeSlash(path)}` : undefined;
}

/** The contents path of an absolute path of the server's machine; null where it is not below the root. */
export function toContentsPath(
  source: string | null | undefined,
  root: string | null | undefined
): string | null {
  if (!source || !root) {
    return null;
  }
  const prefix = root.endsWith('/') ? root : `${root}/`;
  return source.startsWith(prefix) ? source.slice(prefix.length) : null;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    const told = JSON.parse(text) as {
      code?: string;
      message?: string;
      hint?: string;
      details?: Record<string, unknown>;
    };
    return new ApiError(
      answer.status,
      told.code ?? 'error',
      told.message || answer.statusText || `HTTP ${answer.status}`,
      told.hint ?? '',
      told.details ?? {}
    );
  } catch {
    return new ApiError(answer.status, 'error', answer.statusText || `HTTP ${answer.status}`);
  }
}

function queryString(query: Query): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined) {
        words.append(name, String(each));
      }
    }
  }
  const text = words.toString();
  return text ? `?${text}` : '';
}
