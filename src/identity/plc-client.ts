import { InvalidPlcOperationError, PlcRefusedError, PlcUnavailableError } from '#identity/errors.ts'
import { createGenesis, createTombstone, createUpdate, type NewPlcAccount } from '#identity/plc-changes.ts'
import {
  type AnyPlcOperation,
  asPlcData,
  asPlcOperation,
  operationCid,
  type PlcData,
  type PlcOperation,
  type PlcTombstone,
} from '#identity/plc-operation.ts'
import type { SigningKey } from '#keys/k256.ts'
import type { Json } from '#lexicon/json.ts'
import type { Did } from '#lexicon/strings.ts'
import { SECOND } from '#std/clock.ts'
import { FetchFailedError, type FetchOptions, type SafeFetch } from '#std/safe-fetch.ts'
import { KeyedMutex } from '#std/semaphore.ts'

const DEFAULT_TIMEOUT_MS = 10 * SECOND
const MAX_ANSWER_BYTES = 128 * 1024
const MAX_REASON_LENGTH = 500
const NONSENSE = 'its answer is not what a PLC directory says'

/**
 * The PLC directory, asked over HTTP. Changes of one DID go one after another, since each names the one before. All
 * methods throw `PlcUnavailableError` when the directory is down, slow or in trouble.
 */
export class PlcClient {
  private readonly changing = new KeyedMutex<Did>()

  /** `url` without a slash at the end; `fetch` may be an embedded directory's own */
  constructor(private readonly deps: { url: string; fetch: SafeFetch; timeoutMs?: number }) {}

  /**
   * Registers a DID for a new account.
   * @throws InvalidPlcOperationError, PlcRefusedError
   */
  async createDid(account: NewPlcAccount, signer: SigningKey): Promise<Did> {
    const { did, operation } = createGenesis(account, signer)
    await this.submit(did, operation)
    return did
  }

  /** The DID document as the directory words it; null when `did` is not registered or tombstoned. */
  async document(did: Did): Promise<Json | null> {
    return await this.get(did, '')
  }

  /** What the DID says now; null when it is not registered or tombstoned. */
  async documentData(did: Did): Promise<PlcData | null> {
    const json = await this.get(did, '/data')
    return json === null ? null : readable(() => asPlcData(json))
  }

  /** The operation that the next one must name, a tombstone perhaps; null when `did` is not registered. */
  async lastOperation(did: Did): Promise<AnyPlcOperation | null> {
    const json = await this.get(did, '/log/last')
    return json === null ? null : readable(() => asPlcOperation(json))
  }

  /**
   * Hands over a signed operation. One that the directory has already, because an answer of before was lost, is fine.
   * @throws PlcRefusedError with the directory's reason
   */
  async submit(did: Did, operation: AnyPlcOperation): Promise<void> {
    await this.changing.run(did, () => this.post(did, operation))
  }

  /**
   * Changes what the DID says, from what it says now.
   * @throws InvalidPlcOperationError, PlcRefusedError
   */
  async update(
    did: Did,
    change: (now: PlcData) => Partial<PlcData>,
    signer: SigningKey,
  ): Promise<PlcOperation> {
    return await this.changing.run(did, async () => {
      const operation = createUpdate(await this.latest(did), change, signer)
      await this.post(did, operation)
      return operation
    })
  }

  /**
   * Ends the DID for good.
   * @throws InvalidPlcOperationError when that was done before, PlcRefusedError
   */
  async tombstone(did: Did, signer: SigningKey): Promise<PlcTombstone> {
    return await this.changing.run(did, async () => {
      const operation = createTombstone(await this.latest(did), signer)
      await this.post(did, operation)
      return operation
    })
  }

  private async latest(did: Did): Promise<AnyPlcOperation> {
    const last = await this.lastOperation(did)
    if (!last) throw new PlcRefusedError(`DID not registered: ${did}`)
    return last
  }

  private async post(did: Did, operation: AnyPlcOperation): Promise<void> {
    const response = await this.request(did, '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(operation),
    })
    const text = await bodyOf(response)
    if (response.ok) return
    if (response.status < 400 || response.status >= 500 || response.status === 429) throw troubled(response)
    if (await this.has(did, operation)) return
    throw new PlcRefusedError(reasonIn(text) ?? `status ${response.status}`)
  }

  /** Whether an operation that was refused is one that the directory took before. */
  private async has(did: Did, operation: AnyPlcOperation): Promise<boolean> {
    try {
      const last = await this.lastOperation(did)
      return last !== null && operationCid(last) === operationCid(operation)
    } catch (error) {
      if (error instanceof PlcUnavailableError) return false // its reason for the refusal says more
      throw error
    }
  }

  private async get(did: Did, path: string): Promise<Json | null> {
    const response = await this.request(did, path, {})
    const text = await bodyOf(response)
    if (response.status === 404 || response.status === 410) return null
    if (!response.ok) throw troubled(response)
    const json = readable((): Json => JSON.parse(text))
    if (json === null) throw new PlcUnavailableError(NONSENSE)
    return json
  }

  private async request(did: Did, path: string, options: FetchOptions): Promise<Response> {
    const { url, fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = this.deps
    const limits = { chosenBy: 'operator', timeoutMs, maxBytes: MAX_ANSWER_BYTES } as const
    try {
      return await fetch(`${url}/${encodeURIComponent(did)}${path}`, { ...options, ...limits })
    } catch (error) {
      throw unavailable(error)
    }
  }
}

async function bodyOf(response: Response): Promise<string> {
  try {
    return await response.text()
  } catch (error) {
    throw unavailable(error)
  }
}

function unavailable(error: unknown): unknown {
  return error instanceof FetchFailedError ? new PlcUnavailableError(error.message, { cause: error }) : error
}

function troubled(response: Response): PlcUnavailableError {
  return new PlcUnavailableError(
    response.status === 429
      ? 'it asks us to slow down (status 429)'
      : `it answered with status ${response.status}`,
  )
}

/** What a directory says is its own fault when it makes no sense. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof InvalidPlcOperationError)) throw error
    throw new PlcUnavailableError(NONSENSE, { cause: error })
  }
}

/** The message of a refusal. */
function reasonIn(text: string): string | null {
  try {
    const json: Json = JSON.parse(text)
    const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : null
    return typeof message === 'string' ? message.slice(0, MAX_REASON_LENGTH) : null
  } catch {
    return null
  }
}
