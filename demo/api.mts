/** A parsed body. `any`, because the demo reads only what it prints. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Answer = any;

/** An answer of 400 or more, with its problem's code and detail. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(request: string, status: number, problem: { code?: string; detail?: string }) {
    super(`${request}: ${status} ${problem.code ?? ''} ${problem.detail ?? ''}`);
    this.status = status;
    this.code = problem.code ?? '';
  }
}

/** The service over HTTP, for one caller. Paths that do not start with `/` are below `/api/v1/`. */
export class Api {
  readonly base: string;
  private readonly token: string | undefined;

  constructor(base: string, token?: string) {
    this.base = base;
    this.token = token;
  }

  as = (token: string) => new Api(this.base, token);
  get = (path: string) => this.send('GET', path);
  post = (path: string, body?: object) => this.send('POST', path, body);
  patch = (path: string, body?: object) => this.send('PATCH', path, body);

  /** Throws {@link Refused} for a status of 400 or more, and an error that says what to do when no service listens. */
  private async send(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(new URL(path.startsWith('/') ? path : `/api/v1/${path}`, this.base), {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(this.token && { authorization: `Bearer ${this.token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(`Nothing answers at ${this.base}: start the service with npm start, or set BASE_URL.`);
    });
    const answer = (await response.json()) as Answer;
    if (!response.ok) throw new Refused(`${method} ${path}`, response.status, answer);
    return answer;
  }
}
