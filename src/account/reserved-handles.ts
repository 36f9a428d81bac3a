/**
 * First labels under a service domain that only the operator hands out. Labels that the rules of length refuse anyway
 * are not listed.
 */

/** The protocol, its services and the application that most people know */
const PROTOCOL = `
  app-view appview at-protocol at-uri atp atproto atprotocol aturi bgs bluesky bluesky-team blueskyapp
  blueskyweb bsky bsky-app bsky-social bskyapp bskysocial bskyteam chat-bsky did did-plc did-web didplc
  didweb feed-generator feedgen firehose handle handles identity-server jetstream labeler labelers lex
  lexicon lexicons locus nsid ozone pds pds-admin pdsadmin plc plc-directory relay relays repo repos
  repository rkey skeet skeets tid well-known xrpc`

/** Hosts that mail clients, browsers, resolvers and operators expect under a domain */
const HOSTS = `
  acme-challenge admin-console amp analytics anonymous api api-dev api-docs api-staging api1 api2 api3 api4
  apis app app1 app2 apps archive archives assets assets1 assets2 assets3 assets4 atom auth authn authz
  autoconfig autodiscover backup backups bastion blob blobs bounces broadcasthost bucket builds caches
  caldav captcha carddav cctld cdn cdn1 cdn2 cdn3 cdns cert certificate certificates certs chat cloud
  cloudflare cname config configuration connect consul content controlpanel cpanel crl cron database
  databases datacenter db1 db2 debug default demo demos deploy deployment desktop dev devel develop
  developer-portal dhcp direct dkim dmarc dns dns1 dns2 dns3 dns4 domain domains download downloads edge1
  edge2 elasticsearch email emails etcd exchange extranet failover file files firewall forwarder ftp ftp1
  ftp2 ftpd gateway gateways git gitea github gitlab grafana graphql grpc haproxy health healthcheck healthz
  host hosting hostmaster hostname hosts html http httpd https icons ident imap imap1 imap2 imap3 imap4 img1
  img2 img3 imgs inbound info infrastructure ingress intranet ipv4 ipv6 irc isatap jabber jenkins jira
  job-queue kerberos keycloak kibana kube kubernetes lan ldap ldap1 ldaps load-balancer loadbalancer local
  localdomain localhost log loghost logs mail mail0 mail1 mail2 mail3 mail4 mail5 mail6 mail7 mail8 mail9
  mailbox mailer mailer-daemon mailerdaemon mailgun mailhost mailhub mailin mailing maillist mailman mailout
  mails manage managed manifest mda media media1 media2 memcached metrics mongodb monitor monitoring mqtt
  msg mta mta-sts mtasts mua mx0 mx1 mx2 mx3 mysql nameserver netlogon network networks nfs nginx nntp noc
  ns0 ns1 ns2 ns3 ns4 ns5 ns6 ns7 ns8 ns9 nsd ntp ntp1 ntp2 null oauth oauth2 oidc openid outbound
  password-reset pgp phpmyadmin ping pop1 pop2 pop3 portal-admin postfix postgres postgresql preprod preview
  prod prometheus proxy proxy1 proxy2 rabbitmq rdp redirect redirects redis registry resolver rest-api
  reverse-proxy robots robots-txt root-ca router routers rpc rss rsync saml scim sdk secure secure-login
  sendmail server server1 server2 servers service services sftp shop-admin smtp smtp1 smtp2 smtp3 smtps
  sockets spf sql sqlite srv ssh ssl ssladmin ssladministrator sslwebmaster sso staging static1 static2
  static3 stats statsd status statuspage stylesheet stylesheets subdomain subdomains svc svn swagger sync
  syslog sysop tcp telnet test test1 test2 test3 testing tests testuser tftp thumb thumbnail thumbnails
  thumbs time tls tmp token tokens traefik udp undefined unix upload uploads usenet uucp vault vhost vnc
  voip vpn vpn1 vpn2 wap web web1 web2 web3 web4 webdav webdisk webfinger webhook webhooks webmail websocket
  websockets whois wiki wildcard wpad www www-data www0 www1 www2 www3 www4 www5 www6 www7 www8 www9 wwww
  x509 xml xmlrpc xmpp zabbix zookeeper`

/** Paths of web sites, which would look like pages of this server */
const PAGES = `
  404 500 about about-us access accessibility account accounts activate add address ads advert advertise
  advertisement advertising adverts affiliate affiliates age-assurance ajax all announce announcement
  announcements app-password app-passwords application applications apply ask authenticate authentication
  authorization authorize avatar avatars ban banner banners billing blog blogs captchas career careers
  channel channels checkout code codes compliance confirm confirmation contact contact-us contacts cookie
  cookies copyright css dashboard deactivate delete delete-account dev-null developers directory disable
  disabled dmca dms doc docs document documentation documents donation donations employment error errors
  everybody example examples export-data faq faqs favicon favicon-ico feed feedback feeds forgot
  forgot-password forum forums gdpr get-started guest guests guide guideline guidelines guides help
  help-center helpcenter hide home homepage how-to howto human-resources identity impersonator import
  impressum imprint inbox index-html invitation invitations invite invites invoice invoices labels legal
  live locale lockout log-in log-out login logins logout lost-password mailing-list membership memberships
  mention mentions moderate moderationlist my-account news newsletter newsletters no-one no-reply nobody
  noreply not-found note notes notice notification notifications notify oembed official-account onboarding
  opensource operations org organization organizations pages partner partners passcode passkey passkeys
  password passwords pay payment payments payouts paypal phishing phone php plan plans policies policy
  portal portfolio press presskit pricing privacy privacy-policy profile profiles readme recover recovery
  recruiting refund refunds register registration release releases report reports reserved reset
  reset-password role roles rules safety search searches secret secrets session sessions set setting
  settings setup sign-in sign-up signed signin signout signup sitemap sitemap-xml sitenews starter-pack
  subscribe subscribed subscriber subscribers subscription subscriptions suspended takedown terms
  terms-of-service tos trademark tutorials unfollow unlock unsubscribe url user user-name username usernames
  users validate validation verification verified verify webhook-test website websites welcome`

/** Roles that people take for the operator's, some of which certificate authorities trust */
const ROLES = `
  abuse adm admin admin1 admin2 administrator administrators admins age-safety billing-team
  board-of-directors ceo cfo chairman chairperson chief cio ciso cmo compliance-team coo copyright-agent cto
  customer-care customer-service customercare customerservice dev-team developer developers-team devops
  devteam dpo engineering executive executives feedback-team founder founders fraud helpdesk host-admin
  infosec it-support itsupport law-enforcement lawenforcement legal-team list-request management managers
  media-relations mod mod-team moderation moderator moderators mods modteam news-team newsroom noc-team
  official officials onboarding-team operator operators ops payments-team postmaster president press-office
  privacy-team public-relations report-abuse root sales-team security security-team securityteam
  service-desk spokesperson ssl-admin staff superuser supervisor support support-team supportteam sysadmin
  sysadmins system-admin systemadmin team teams tech-support techsupport toor trust-and-safety trust-safety
  trustandsafety trustsafety usenet-admin vice-president webadmin webmaster webteam`

/** Networks, products and companies */
const NAMES = `
  activitypub adobe airbnb alibaba aljazeera amazon amd android anthropic apnews apple appstore audi aws
  azure baidu barclays bbc bbcnews bestbuy binance bitcoin blackrock blackskyweb bloomberg bmw boeing
  burgerking bytedance cbs cbsnews chanel chatgpt chevrolet chrome cisco citibank cnbc cnn coca-cola
  cocacola coinbase comcast costco dell deutschebank dhl discord disney disneyplus dogecoin doordash dropbox
  duolingo ebay economist epicgames espn eth ethereum etsy evernote expedia facebook fbi fedex ferrari fifa
  figma firefox flickr forbes fortnite foxnews gmail goldmansachs google googleplay gopro gpt gucci hbo
  hbomax honda hotmail hsbc huawei hubspot huffpost hulu ibm icloud ikea imdb instagram intel ios iphone
  jpmorgan kfc kickstarter lego lenovo linkedin louisvuitton lyft macos mastercard mastodon mcdonalds
  mercedes metamask microsoft mozilla msn msnbc mtv nasa nasdaq natgeo nba nbc nbcnews nestle netflix
  newyorktimes nfl nhl nike nintendo nissan nokia npr nvidia nytimes office365 onlyfans openai paramount
  patreon pbs pepsi pfizer pinterest pixar playstation pokemon politico porsche prada quora raspberrypi
  reddit reuters roblox rolex salesforce samsung sega shopify skype snapchat sony spacex spotify squarespace
  starbucks starlink starwars substack telegram tencent tesla tiktok tinder toyota trello tripadvisor tumblr
  twitch twitter uber ubisoft ubuntu unesco unicef uniqlo unitednations usa usatoday usps venmo verizon
  vimeo volkswagen volvo walmart washingtonpost wechat wellsfargo wendys whatsapp whitehouse wikimedia
  wikipedia wordpress wsj wwe x-com xbox xiaomi yahoo yandex yelp youtube zara zoom`

/** People and offices that are impersonated most */
const PEOPLE = `
  aoc arianagrande barack barackobama bernie berniesanders beyonce biden billgates billieeilish blackpink
  britneyspears bts chancellor chrisevans cristiano cristianoronaldo dalailama danabramov davidbowie
  donaldtrump dril edsheeran elon elonmusk eminem emmanuelmacron ericadams fauci gavinnewsom gretathunberg
  hillaryclinton jackdorsey jaygraber jeffbezos jimmyfallon jkrowling joebiden justinbieber justintrudeau
  kamala kamalaharris kanye kanyewest katyperry kimjongun kimkardashian kingcharles kyliejenner ladygaga
  lebron lebronjames leomessi lionelmessi madonna malala markhamill markzuckerberg michaeljackson
  michelleobama mikepence mileycyrus mrbeast narendramodi neymar nickiminaj obama oprah oprahwinfrey
  pewdiepie pontifex pope popefrancis potus primeminister princewilliam putin realdonaldtrump rihanna
  rogerfederer ronaldo samaltman satyanadella scotus selenagomez serenawilliams shakira snoopdogg
  stephencurry stephenking sundarpichai supremecourt taylorswift therock timcook tomhanks trump
  vladimirputin volodymyrzelensky willsmith xijinping zelensky zelenskyy zuck`

export const reservedHandles: ReadonlySet<string> = new Set(
  [PROTOCOL, HOSTS, PAGES, ROLES, NAMES, PEOPLE].flatMap((words) => words.trim().split(/\s+/)),
)
