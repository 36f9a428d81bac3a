import type { Door } from '#auth/credentials.ts'

/** The HTTP side of a call, for the few methods that need it. */
export class Caller {
  constructor(
    /** for log lines; also sent back as `x-request-id` */
    readonly id: string,
    readonly door: Door,
    /** the address of the client, as far as proxies that we trust tell it */
    readonly ip: string,
    private readonly request: Request,
  ) {}

  get headers(): Headers {
    return this.request.headers
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    return this.request.signal
  }
}
