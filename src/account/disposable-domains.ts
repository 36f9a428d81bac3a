/** Hosts that give mailboxes to anyone for some minutes. An address there reaches its account only once. */
const HOSTS = `
  0-mail.com 10mail.org 10mail.xyz 10minutemail.com 10minutemail.net 10minutemail.co.uk 1secmail.com 1secmail.net
  1secmail.org 20mail.it 20minutemail.com 30minutemail.com 33mail.com anonbox.net anonymbox.com binkmail.com bobmail.info
  boun.cr burnermail.io byom.de chacuo.net cock.li crazymailing.com deadaddress.com devnullmail.com discard.email
  discardmail.com discardmail.de dispostable.com dodgit.com dropmail.me emailfake.com emailondeck.com emailtemporanea.com
  emkei.cz emltmp.com fakeinbox.com fakemail.net fakemailgenerator.com filzmail.com fleckens.hu getairmail.com getmails.eu
  getnada.com grr.la guerrillamail.biz guerrillamail.com guerrillamail.de guerrillamail.info guerrillamail.net
  guerrillamail.org guerrillamailblock.com harakirimail.com hmamail.com inboxalias.com inboxbear.com inboxkitten.com
  incognitomail.org jetable.org kasmail.com klzlk.com kurzepost.de luxusmail.org mail-temp.com mail-temporaire.fr mail.tm
  mailcatch.com maildrop.cc maildu.de maileater.com mailexpire.com mailforspam.com mailinator.com mailinator.net
  mailinator2.com mailmetrash.com mailmoat.com mailnator.com mailnesia.com mailnull.com mailpoof.com mailsac.com
  mailshell.com mailtemp.info mailtothis.com mintemail.com moakt.cc moakt.co moakt.com mohmal.com mt2015.com
  mvrht.com mytemp.email mytrashmail.com nada.email nada.ltd nospam.ze.tc nowmymail.com objectmail.com onetimeemail.net
  opayq.com pokemail.net proxymail.eu rcpt.at reallymymail.com rmqkr.net sendspamhere.com sharklasers.com shitmail.me
  shitmail.org sneakemail.com sogetthis.com soodonims.com spam.la spam4.me spambog.com spambog.de spambox.us spamcero.com
  spamdecoy.net spamfree24.org spamgourmet.com spamhereplease.com spamhole.com spaml.com spammotel.com spamspot.com
  spamthisplease.com superrito.com suremail.info teleworm.us temp-mail.io temp-mail.org temp-mail.ru tempail.com
  tempemail.net tempinbox.com tempm.com tempmail.com tempmail.de tempmail.dev tempmail.eu tempmail.io tempmail.net
  tempmail.plus tempmailaddress.com tempmailo.com tempmailer.com tempomail.fr temporarily.de temporary-mail.net
  temporarymail.com temporaryemail.net temporaryinbox.com tempr.email thankyou2010.com thisisnotmyrealemail.com
  throwaway.email throwawayemailaddress.com throwawaymail.com tmail.ws tmailinator.com tmpmail.net tmpmail.org tmpeml.com
  tradermail.info trash-mail.at trash-mail.com trash-mail.de trash2009.com trashdevil.com trashemail.de trashmail.at
  trashmail.com trashmail.de trashmail.me trashmail.net trashmail.org trashmail.ws trashymail.com trbvm.com wegwerfemail.de
  wegwerfemail.com wegwerfmail.de wegwerfmail.net wegwerfmail.org wh4f.org yep.it yopmail.com yopmail.fr yopmail.net
  zetmail.com zippymail.info zoemail.org`

const hosts: ReadonlySet<string> = new Set(HOSTS.trim().split(/\s+/))

/** Whether `domain`, in lower case, belongs to such a host. */
export function isDisposableDomain(domain: string): boolean {
  for (let at = 0; at >= 0; at = domain.indexOf('.', at) + 1 || -1) {
    if (hosts.has(domain.slice(at))) return true
  }
  return false
}
