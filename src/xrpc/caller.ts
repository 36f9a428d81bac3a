import type { Door } from '#auth/credentials.ts'

/** Where a request comes from, as the edge that took it knows. */
export interface Origin {
  /** what the path has after `/xrpc/` */
  readonly nsid: string
  readonly door: Door
  /** the address of the client, as far as proxies that we trust tell it */
  readonly ip: string
}

/** The HTTP side of a call, for the few methods that need it. */
export class Caller {
  constructor(
    /** for log lines; also sent back as `x-request-id` */
    readonly id: string,
    private readonly origin: Origin,
    private readonly request: Request,
  ) {}

  get door(): Door {
    return this.origin.door
  }

  get ip(): string {
    return this.origin.ip
  }

  get headers(): Headers {
    return this.request.headers
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    return this.request.signal
  }
}
