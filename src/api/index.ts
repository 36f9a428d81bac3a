/** Every XRPC method that this server implements: the table that requests are dispatched by. */
import type { Implementation } from '#xrpc/implement.ts'
import { deleteAccount } from './com.atproto.admin/deleteAccount.ts'
import { disableInviteCodes } from './com.atproto.admin/disableInviteCodes.ts'
import { getAccountInfo } from './com.atproto.admin/getAccountInfo.ts'
import { getAccountInfos } from './com.atproto.admin/getAccountInfos.ts'
import { getInviteCodes } from './com.atproto.admin/getInviteCodes.ts'
import { updateAccountPassword } from './com.atproto.admin/updateAccountPassword.ts'
import { resolveHandle } from './com.atproto.identity/resolveHandle.ts'
import { applyWrites } from './com.atproto.repo/applyWrites.ts'
import { createRecord } from './com.atproto.repo/createRecord.ts'
import { deleteRecord } from './com.atproto.repo/deleteRecord.ts'
import { describeRepo } from './com.atproto.repo/describeRepo.ts'
import { getRecord as repoGetRecord } from './com.atproto.repo/getRecord.ts'
import { listRecords } from './com.atproto.repo/listRecords.ts'
import { putRecord } from './com.atproto.repo/putRecord.ts'
import { createAccount } from './com.atproto.server/createAccount.ts'
import { createInviteCode } from './com.atproto.server/createInviteCode.ts'
import { createInviteCodes } from './com.atproto.server/createInviteCodes.ts'
import { createSession } from './com.atproto.server/createSession.ts'
import { deleteSession } from './com.atproto.server/deleteSession.ts'
import { describeServer } from './com.atproto.server/describeServer.ts'
import { getSession } from './com.atproto.server/getSession.ts'
import { refreshSession } from './com.atproto.server/refreshSession.ts'
import { getBlob } from './com.atproto.sync/getBlob.ts'
import { getBlocks } from './com.atproto.sync/getBlocks.ts'
import { getCheckout } from './com.atproto.sync/getCheckout.ts'
import { getHead } from './com.atproto.sync/getHead.ts'
import { getLatestCommit } from './com.atproto.sync/getLatestCommit.ts'
import { getRecord as syncGetRecord } from './com.atproto.sync/getRecord.ts'
import { getRepo } from './com.atproto.sync/getRepo.ts'
import { getRepoStatus } from './com.atproto.sync/getRepoStatus.ts'
import { listBlobs } from './com.atproto.sync/listBlobs.ts'
import { listRepos } from './com.atproto.sync/listRepos.ts'
import { listReposByCollection } from './com.atproto.sync/listReposByCollection.ts'
import { list } from './host.locus.account/list.ts'
import { show as accountShow } from './host.locus.account/show.ts'
import { bump } from './host.locus.firehose/bump.ts'
import { prune } from './host.locus.firehose/prune.ts'
import { stats } from './host.locus.firehose/stats.ts'
import { tail } from './host.locus.firehose/tail.ts'
import { show as inviteShow } from './host.locus.invite/show.ts'
import { crawl } from './host.locus.relay/crawl.ts'
import { healAccounts } from './host.locus.relay/healAccounts.ts'
import { healHost } from './host.locus.relay/healHost.ts'
import { status as relayStatus } from './host.locus.relay/status.ts'
import { verify } from './host.locus.repo/verify.ts'
import { status } from './host.locus.server/status.ts'

export const implementations: readonly Implementation[] = [
  deleteAccount,
  disableInviteCodes,
  getAccountInfo,
  getAccountInfos,
  getInviteCodes,
  updateAccountPassword,
  resolveHandle,
  applyWrites,
  createRecord,
  deleteRecord,
  describeRepo,
  repoGetRecord,
  listRecords,
  putRecord,
  createAccount,
  createInviteCode,
  createInviteCodes,
  createSession,
  deleteSession,
  describeServer,
  getSession,
  refreshSession,
  getBlob,
  getBlocks,
  getCheckout,
  getHead,
  getLatestCommit,
  syncGetRecord,
  getRepo,
  getRepoStatus,
  listBlobs,
  listRepos,
  listReposByCollection,
  list,
  accountShow,
  bump,
  prune,
  stats,
  tail,
  inviteShow,
  crawl,
  healAccounts,
  healHost,
  relayStatus,
  verify,
  status,
]
