/**
 * The methods of com.atproto and of our own namespace that `index.ts` does not list, and why. A caller is answered as
 * for any method that is unknown here.
 */
import type { MethodNsid } from '#lexicon/index.ts'

const BLOBS = 'this server does not keep blobs yet'
const MIGRATION = 'accounts cannot be brought here or taken away yet'
const MAILED_CODES = 'nothing is confirmed by mailed codes yet'
const APP_PASSWORDS = 'log-in by app passwords works, managing them does not yet'
const MODERATION = 'there is no moderation yet'
const HANDLES = 'handles cannot be changed yet'
const SERVICE_AUTH = 'no tokens for other services are issued yet'
const IDENTITIES = 'only handles are resolved for others yet'
const RELAY = 'relays do this, not the servers that they read'
const LABELER = 'labelers do this'
const ENTRYWAY = 'this is for hosts that put an entryway in front of many servers'

export const unserved: Readonly<Partial<Record<MethodNsid, string>>> = {
  'com.atproto.admin.disableAccountInvites': MODERATION,
  'com.atproto.admin.enableAccountInvites': MODERATION,
  'com.atproto.admin.getSubjectStatus': MODERATION,
  'com.atproto.admin.searchAccounts':
    'host.locus.account.list searches accounts; this one comes with moderation',
  'com.atproto.admin.sendEmail': MODERATION,
  'com.atproto.admin.updateAccountEmail': MAILED_CODES,
  'com.atproto.admin.updateAccountHandle': HANDLES,
  'com.atproto.admin.updateAccountSigningKey': MIGRATION,
  'com.atproto.admin.updateSubjectStatus': MODERATION,
  'com.atproto.identity.getRecommendedDidCredentials': MIGRATION,
  'com.atproto.identity.refreshIdentity': IDENTITIES,
  'com.atproto.identity.requestPlcOperationSignature': MIGRATION,
  'com.atproto.identity.resolveDid': IDENTITIES,
  'com.atproto.identity.resolveIdentity': IDENTITIES,
  'com.atproto.identity.signPlcOperation': MIGRATION,
  'com.atproto.identity.submitPlcOperation': MIGRATION,
  'com.atproto.identity.updateHandle': HANDLES,
  'com.atproto.label.queryLabels': LABELER,
  'com.atproto.label.subscribeLabels': LABELER,
  'com.atproto.lexicon.resolveLexicon': 'only the lexicons that are built in are known yet',
  'com.atproto.moderation.createReport': MODERATION,
  'com.atproto.repo.importRepo': MIGRATION,
  'com.atproto.repo.listMissingBlobs': BLOBS,
  'com.atproto.repo.uploadBlob': BLOBS,
  'com.atproto.server.activateAccount': MIGRATION,
  'com.atproto.server.checkAccountStatus': MIGRATION,
  'com.atproto.server.confirmEmail': MAILED_CODES,
  'com.atproto.server.createAppPassword': APP_PASSWORDS,
  'com.atproto.server.deactivateAccount': MIGRATION,
  'com.atproto.server.deleteAccount': MAILED_CODES,
  'com.atproto.server.getAccountInviteCodes': 'accounts do not earn invite codes yet',
  'com.atproto.server.getServiceAuth': SERVICE_AUTH,
  'com.atproto.server.listAppPasswords': APP_PASSWORDS,
  'com.atproto.server.requestAccountDelete': MAILED_CODES,
  'com.atproto.server.requestEmailConfirmation': MAILED_CODES,
  'com.atproto.server.requestEmailUpdate': MAILED_CODES,
  'com.atproto.server.requestPasswordReset': MAILED_CODES,
  'com.atproto.server.reserveSigningKey': MIGRATION,
  'com.atproto.server.resetPassword': MAILED_CODES,
  'com.atproto.server.revokeAppPassword': APP_PASSWORDS,
  'com.atproto.server.updateEmail': MAILED_CODES,
  'com.atproto.sync.getHostStatus': RELAY,
  'com.atproto.sync.listHosts': RELAY,
  'com.atproto.sync.notifyOfUpdate': RELAY,
  'com.atproto.sync.requestCrawl': RELAY,
  'com.atproto.sync.subscribeRepos': 'it is no call but a stream: http/firehose.ts serves it',
  'com.atproto.temp.addReservedHandle': HANDLES,
  'com.atproto.temp.checkHandleAvailability': HANDLES,
  'com.atproto.temp.checkSignupQueue': ENTRYWAY,
  'com.atproto.temp.dereferenceScope': 'there is no OAuth yet',
  'com.atproto.temp.fetchLabels': LABELER,
  'com.atproto.temp.requestPhoneVerification': ENTRYWAY,
  'com.atproto.temp.revokeAccountCredentials': MODERATION,
}
