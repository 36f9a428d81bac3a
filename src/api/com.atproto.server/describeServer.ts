import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const describeServer = implement(com.atproto.server.describeServer, {
  auth: anyone,
  handle({ app: { config } }) {
    return {
      did: config.serviceDid,
      availableUserDomains: config.handleDomains,
      inviteCodeRequired: config.inviteRequired,
      blobUploadLimit: config.blobUploadLimit,
      links: {
        privacyPolicy: config.privacyPolicyUrl ?? undefined,
        termsOfService: config.termsOfServiceUrl ?? undefined,
      },
      contact: { email: config.contactEmail ?? undefined },
    }
  },
})
