/**
 * Which handles an account of this server may have: one label under a domain of this server, neither too short nor
 * reserved, or a name elsewhere that its owner has pointed at the account's DID. Whether somebody has it already is
 * not judged here. And whose a handle is: ours are answered from the accounts, all others by the network.
 */
import type { LookUpOptions } from '#identity/cached-lookup.ts'
import type { IdentityResolver } from '#identity/resolver.ts'
import { type Did, type Handle, normalizeHandle } from '#lexicon/strings.ts'
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { DomainError, InvalidRequestError } from '#std/errors.ts'
import { type Accounts, statusOf } from './accounts.ts'
import {
  HandleNotAvailableError,
  HandleNotFoundError,
  InvalidHandleError,
  UnsupportedDomainError,
} from './errors.ts'
import { reservedHandles } from './reserved-handles.ts'
import { hasSlur } from './slurs.ts'

/** characters of the label under a service domain */
const MIN_LABEL = 3
const MAX_LABEL = 18

/** Names that public name servers do not know, by what the registries say. */
const DISALLOWED_TLDS = new Set([
  'alt',
  'arpa',
  'example',
  'internal',
  'invalid',
  'local',
  'localhost',
  'onion',
])

export interface HandlesDeps {
  /** each with its leading dot */
  domains: readonly string[]
  /** whether handles in `.test` may be had even where it is no service domain */
  allowTest: boolean
  accounts: Accounts
  identity: IdentityResolver
}

export class Handles {
  /** the longest first: the most specific of domains that lie within each other decides */
  private readonly domains: readonly string[]

  constructor(private readonly deps: HandlesDeps) {
    this.domains = [...deps.domains].sort((a, b) => b.length - a.length)
  }

  /**
   * The handle that `text` is, checked against every rule.
   * @param did whose handle it shall be; null while it has no DID yet, when only service domains will do
   * @param allowReserved the operator may use reserved words and slurs, and nothing else
   * @throws InvalidHandleError, HandleNotAvailableError, UnsupportedDomainError
   * @throws InvalidRequestError when a handle elsewhere does not point at `did`
   */
  async check(
    text: string,
    { did, allowReserved }: { did: Did | null; allowReserved: boolean },
  ): Promise<Handle> {
    const handle = normalizeHandle(text)
    if (!handle) throw new InvalidHandleError('Handle is not a valid domain name')
    const domain = this.domainOf(handle)
    this.checkTld(handle, domain)
    if (!allowReserved && hasSlur(handle)) throw new InvalidHandleError('Inappropriate language in handle')
    if (domain !== null) checkLabel(handle.slice(0, -domain.length), allowReserved)
    else await this.checkElsewhere(handle, did)
    return handle
  }

  /**
   * The DID that a handle names.
   * @param permit called before the network is asked; may throw RateLimitExceededError
   * @throws HandleNotFoundError when it names none, or that cannot be found out
   */
  async resolve(text: string, permit?: () => void): Promise<Did> {
    const handle = normalizeHandle(text)
    if (!handle) throw new InvalidHandleError('Handle is not a valid domain name')
    const account = this.deps.accounts.byHandle(handle)
    if (account && statusOf(account) === 'active') return account.did
    const isOurs = this.domainOf(handle) !== null || this.domains.includes(`.${handle}`)
    const did = isOurs ? null : await this.ask(handle, { permit })
    if (!did) throw new HandleNotFoundError()
    return did
  }

  private domainOf(handle: Handle): string | null {
    return this.domains.find((domain) => handle.endsWith(domain)) ?? null
  }

  private checkTld(handle: Handle, domain: string | null): void {
    const tld = handle.slice(handle.lastIndexOf('.') + 1)
    const isAllowed = tld === 'test' ? domain !== null || this.deps.allowTest : !DISALLOWED_TLDS.has(tld)
    if (!isAllowed) throw new InvalidHandleError('Handle TLD is invalid or disallowed')
  }

  private async checkElsewhere(handle: Handle, did: Did | null): Promise<void> {
    if (did === null) throw new UnsupportedDomainError(this.deps.domains)
    if ((await this.ask(handle, { fresh: true })) !== did) {
      throw new InvalidRequestError('External handle did not resolve to DID')
    }
  }

  /** What the network says; not being told is as good as no. */
  private async ask(handle: Handle, options: LookUpOptions): Promise<Did | null> {
    try {
      return await this.deps.identity.resolveHandle(handle, options)
    } catch (error) {
      if (error instanceof RateLimitExceededError) throw error
      if (error instanceof DomainError) return null
      throw error
    }
  }
}

function checkLabel(label: string, allowReserved: boolean): void {
  if (label.includes('.')) throw new InvalidHandleError('Invalid characters in handle')
  if (label.length < MIN_LABEL) throw new InvalidHandleError('Handle too short')
  if (label.length > MAX_LABEL) throw new InvalidHandleError('Handle too long')
  if (!allowReserved && reservedHandles.has(label)) throw new HandleNotAvailableError('Reserved handle')
}
