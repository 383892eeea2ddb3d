"""Names of services that give out keys: a random string right behind one of them, or in the sentence that it begins, is
likely a key of it. Public facts; lower case, without blanks and dashes."""

from __future__ import annotations

from typing import Final

__all__ = ["COMMON", "PROVIDERS"]

PROVIDERS: Final = frozenset(
    """
    100ms 1password 360dialog 8x8 abbysale ably abstractapi abuseipdb abyssale accuweather acrcloud activecampaign
    adafruit adafruitio adalo addigy adobe adobeio adobesign adwordsapi adyen adzuna aerisweather aeroworkflow
    affinity africastalking aftership agilecrm agilitycms agora aha aikido aiprise airbrake airbyte airplane.dev
    airship airslate airtable airvisual aiven aivenio akamai akeneo akeyless alchemy alchemyapi alconost alegra
    aletheia alethiaapi algolia alibaba alienvault aliyun allsports almanac alpaca alphavantage altcoin amadeus
    amazon ambee amberdata amplitude amplitudeapi ankr anthropic anypoint anyscale apacta apdex apexsql api2cart
    apiary apicurio apideck apiflash apifonica apify apilayer apimatic apimetrics apininja apitemplate apollo
    apollo.io appcenter appcircle appcues appdynamics appfollow appointedd appoptics appsflyer appsmith appsynergy
    apptivo appveyor appwrite aqicn arbiscan arize artifactory artsy asaas asana assemblyai atera atlassian attio
    audd auth0 authorize authress authy autodesk autoklose autopilot avaza avazapersonalaccess aviationstack
    avochato aws axiom axonaut ayden aylien ayrshare azure azuredevops azuresearch azurestorage back4app backblaze
    backendless baichuan baidu bamboohr banana.dev bannerbear baremetrics baseapi basecamp baserow basescan baseten
    battlenet beam.cloud beamer beebole beeminder bench besnappy besttime betterstack bigcartel bigcommerce
    bigdatacloud bigmodel billomat binance bingx bitbar bitbucket bitcoinaverage bitfinex bitget bitgo bitly
    bitlyaccesstoken bitmex bitrise bitskins bitstamp bittrex bitwarden blablabus blazemeter blitapp blizzard
    blockcypher blockdaemon blockfrost blocknative blogger bluesnap bombbomb boostnote bored borgbase boxauth
    braintree braintrust branchio brandfetch brave braze brevo bricklink bricqer brightdata broadcastify browserbase
    browserless browserstack browshot bscscan btcpay bubble.io buddy.works buddyns budibase bugcrowd bugherd bugsnag
    builder.io buildjet buildkite bulbul bulksms bunny buttercms bybit caflou cal.com calendarific calendly
    calorieninja calorieninjas campayn canny canva capsulecrm captaindata carbonblack carboninterface cartesia
    cartesiaai cartodb cashboard cashfree caspio casterapi caton ccavenue cdnjs censys centralstationcrm cerebras
    cerebrium certspotter cexio chainstack chargebee chargify chartmogul chatbot chatfuel chatfule checio checkly
    checklyhq checkmarx checkout checkout.com checkvist chroma chronosphere cicero circleci cisco civo clarifai
    clearbit clerk cleverbot cleverreach clevertap clickatell clickhelp clickhouse clicksend clicksendsms clickup
    cliengo clientary climacell clinchpad clockify clockworksms clojars close.com closecrm cloud66 cloudconvert
    cloudelements cloudflare cloudflarecakey cloudflarewarp cloudimage cloudinary cloudmersive cloudplan cloudsmith
    cloudways cloverly cloze clustdoc cockroachdb cockroachlabs coda codacy codecatalyst codeclimate codecommit
    codecov codefresh codemagic codequiry coder.com codesandbox codescene cohere coinapi coinbase coincap coinex
    coingate coingecko coinlayer coinlib coinmarketcap collect2 column commercejs commercetools commodities
    companyhub composio conekta configcat confluent conjur contabo contentful contentfulpersonalaccesstoken
    contentstack conversiontools convertapi convertkit convex convier copper copy.ai copyscape coralogix corrently
    couchbase countrylayer courier coveo coveralls craftmypdf crates creatomate crisp.chat cronitor
    crossbrowsertesting crowdin crowdstrike cryptocompare cryptonator culqi currencycloud currencyfreaks
    currencylayer currencyscoop currentsapi customer.io customerguru customerio cybersource d7network daily.co
    dailymotion dandelion dareboost darksky dashlane dashscope data.gov databento databox databricks dataddo datadog
    datafire datagov datastax dato datocms deadmanssnitch debounce deepai deepgram deepinfra deepl deepseek
    deepsource deezer definednetworking delighted demio deno depot.dev deputy deribit descope desec detectify
    detectlanguage devcycle devin dfuse did.com diffbot diggernaut digicert digitalocean digitaloceanapikey
    dinahosting directus discogs discord discourse disqus ditto dlocal dnkey dnscheck dnsimple dnsmadeeasy docker
    dockerhub docparser documo docusaurus docusign doku doppler dotdigital dotmailer dovico dreamfactory dreamhost
    drip dronahq droneci dropbox dropboxsign droplr duffel dune duosecurity duply dwolla dynadot dynalist dynatrace
    dyspatch eagleeyenetworks earthly easyinsight easypost ebanx ebay ecostruxure ecwid edamam edenai eightxeight
    elasticemail elasticpath elevenlabs emaillabs enablex endorlabs endpointsecurity enigma enrichment enterprisehub
    env0 envoy envoyapikey envoyer eodhd epayco epsagon equinix eraser essential etherpad etherscan ethplorer etsy
    eventbrite everhour evernote exa.ai exchangerate exchangerate-api exchangeratesapi exoscale expensify exportsdk
    extractorapi facebook faceplusplus facepp factorial fal.ai falai fast2sms fastforex fastly fastlypersonaltoken
    fauna faunadb feedier feedly festo fetchrss fibery figma figment file.io fileio filestack finage
    financialmodelingprep findl finicity finnhub firebase firebaseio firecrawl firehydrant fireworks fitbit fixer
    fixerio flagsmith flatio fleetbase flexport flickr flightapi flightlabs flightstats float floatapp flodesk
    flowdash flowflu flutterwave fly.io flyio fmfw folk.app followupboss forecast foresight forex.com forge.laravel
    formbucket formcraft formio formsite formstack fossa foursquare frameio framer freemius freshbooks freshdesk
    freshworks frontapp frontegg fronteggs ftmscan ftx fulcrum fullcontact fullstory fusebill fusionauth fxmarket
    gateio geckoboard gemini gengo genius.com geoapify geocod.io geocode geocoder geocodify geocodio geoipify
    geonames geoplaces getaddress getemail getemails getgeoapi getgist getresponse getsandbox gettyimages ghost
    ghostcms giphy gitbook gitea gitee gitguardian github gitlab gitpod gitter gladia glassnode glitch.com gnews
    goautodial gocanvas gocardless godaddy goodday goodreads google googlemaps googletranslate gorgias gotomeeting
    grafana graphcms graphhopper greenhouse greip greptile greynoise groovehq groq growthbook gtmetrix guardian
    guardianapi gumroad gupshup guru gyazo hackerone happi happyscribe harness harvest hashicorp hasura
    haveibeenpwned healthchecks heap.io heatmap height.app helicone hellosign helpcrunch helpscout here here.com
    hereapi heroku hetzner hexnode heygen hibob highnote hightouch hive hiveage holidayapi holistic honeybadger
    honeycomb hootsuite host hotjar hotwire housecanary html2pdf huaweicloud hubapi hubspot huggingface humanity
    hunter hunterio hunyuan huobi hybiscus hybridanalysis hygraph hypeauditor hyperbrowser hypertrack ibm iconfinder
    iexapis iexcloud imagekit imagga imgbb imgix imgur impala imperva incapsula incident.io infermedica infisical
    inflectra influxdb infobip infomaniak infracost infura insightly instabot instabug instacart instagram instamojo
    instana instantly instatus interactivebrokers intercom interseller intra42 intrinio intruder invision
    invoiceninja invoiceocean ip2location ipapi ipdata ipgeolocation ipify ipinfo ipinfodb ipquality ipqualityscore
    ipregistry ipstack iqair iron.io ironclad iterable iubenda jasper jawg jdbc jenkins jfrog jina jiratoken jitsu
    jotform judge0 jumio jumpcloud jumpseller jupiterone juro kagi kaiko kairos kaleyra kamatera kanban kanbanflow
    kanbantool karmacrm keap keenio keepersecurity keycdn keycloak keygen kickbox kickofflabs kinde kinesis kinsta
    kintone kinvey kiteconnect kiwi.com klaviyo klipfolio knapsackpro kombai kontent kontentai koyeb kraken kucoin
    kushki kustomer kylas lambdalabs langchain langfuse langsmith languagelayer larksuite last.fm lastfm lastpass
    launchdarkly ldap leadfeeder leankit leanplum lemlist lemonsqueezy lendflow leonardoai lepton lessannoyingcrm
    lexigram lichess lighton lightstep linear linearapi linemessaging linenotify linkedin linkpreview linode
    liquidfiles litellm liveagent livechat livekit livestorm llamacloud loadmill lob localazy localtunnel locationiq
    logdna loggly loginext loginradius logrocket logzio lokalise looker loop loops.so loyverse lunchmoney luno
    macaddress mackerel madkudu magento magicbell magnetic mailboxlayer mailboxvalidator mailchimp mailerlite
    mailersend mailgun mailjet mailjetbasicauth mailjetsms mailmodo mailosaur mailsac mailslurp mailtrap mandrill
    manifest mapbox mapquest maptiler marketo marketstack marqo mastodon materialize mattermost
    mattermostpersonaltoken mavenlink maxmind meaningcloud mediastack medium medusajs meetup meilisearch meistertask
    mem0 mend.io meraki mercadopago mergify mesibo messagebird messari meta-api metaapi metabase meteomatics metrilo
    mexc mezmo microsoft microsoftteams midise midjourney midtrans milvus mindee mindmeister minimax minio miro
    mistral mite mixmax mixpanel mockaroo modal moderation modernmt moengage mollie monday mongodb monkeylearn
    moonclerck moonclerk moonshot moosend moralis motaword motherduck mouseflow mrticktock msg91 mulesoft musixmatch
    muxtokens myexperiment myfreshworks myintervals nansen nasa nasdaqdatalink naver nebius neon netbird netcore
    netdata nethunt netlify netsuite neutrinoapi newrelic newsapi newscatcher newsdata nexmo nftport nfttoken ngc
    ngrok nhost nicereply nightfall nimble nitro nocodb nordlayer northflank noticeable notion notionapi novita novu
    nozbe npmtoken nuget numverify nutritionix nvapi nvidia nylas nytimes oanda oauth0 ocrspace octoai octopus
    octopusdeploy odoo okta okx ollama omise omnisend onbuka oncehub onedesk onelogin onepagecrm onesignal onfido
    onfleet onwater oopspam openai openaq opencage opencagedata openchannel opencollective opendatasoft openlibrary
    opennode openpay openphone openrouter opensea openshift openstack openuv openvpn openweather openweathermap
    opsgenie optidash optimizely oracle orbit orderdesk ory.sh outbrain outscraper overloop ovhcloud owlbot oxylabs
    packagecloud packagist packet.net paddle pagarme pagerduty pagseguro pandadoc pandascore pantheon paperform
    papertrail paralleldots parsehub parsers parseur parsio partnerstack pastebin paydirtapp payfast payloadcms
    paymo paymongo paypal paypaloauth paystack paytm payu pdflayer pdfshift peopledatalabs pepipost percy perigon
    perplexity persistiq persona pexels phantombuster phemex phonepe photobucket phrase phraseaccess picovoice
    pinata pinboard pinecone pingdom pingidentity pinterest pipedream pipedrive pivotaltracker pixabay pixela plaid
    plaidkey plane.so planetscale planio plantuml planviewleankit planyo platform.sh playht plesk plivo ploi.io
    plunk pocketbase podio poeditor pollsapi poloniex polygon polygon.io polygonscan polymarket portainer portkey
    positionstack postageapp postbacks postgrid posthog postman postmark postmarkapp powerbi powrbot prefect
    presspage pricefinder printful printify prismic privacy privateai probely prodpad productboard producthunt
    propelauth prospectcrm prospectio protocolsio proxycrawl pubnub pubnubpublishkey pulumi purestake pushbullet
    pusher pusherchannelkey pushover pushwoosh pypi qase qdrant qiniu qovery qualaroo qualtrics qualys quandl qubole
    questdb questrade quickbase quickbooks quickmetrics quicknode quip rabbitmq rackspace radar.io railway
    railway.app raindrop rainforestpay ramp rapid7 rapidapi raven rawg razorpay reachmail readme reallysimplesystems
    rebrandly recharge rechargepayments recurly redash reddit redirect.pizza refiner render.com rentman repairshopr
    replicate replit replyio requestfinance resemble resend respond.io restpack restpackhtmltopdfapi
    restpackscreenshotapi retell retool rev rev.ai revampcrm ringcentral ritekit roaring robinhood rocketreach
    rollbar rollout roninapp rootly route4me rownd rubygems rudderstack runcloud runpod runrun runrunit runscope
    runwayml rytr saladcloud saleor salesblink salescookie salesflare salesforce salesloft salesmate salesmsg
    samsara sanity sanityio santiment satismeter satismeterprojectkey satismeterwritekey saucelabs saxobank scaleway
    scalingo scalr scrapeowl scraperapi scraperbox scrapersite scrapestack scrapfly scrapingant scrapingbee
    scrapingdog screenshotapi screenshotlayer scrutinizer scrutinizerci seatable sectigo securitytrails segment
    segmentapikey selectpdf semantic semaphore semaphoreci semgrep semrush sendbird sendbirdorganizationapi
    sendcloud sendgrid sendinblue sendinbluev2 sendpulse sentiment sentinel sentinelone sentry serpapi serper
    serphouse serpstack serveravatar settlemint sheety sherpadesk shipday shipengine shippo shipstation shodan
    shopee shopify shopware shortcut shotstack shutterstock shutterstockoauth sidekiq siem sigma signable signalwire
    signaturit signnow signoz signupgenius signwell sigopt sikka siliconflow silverpop simfin similarweb simplesat
    simplynoted simvoly sinch sinchmessage sirv siteleaf skrapp skybiometry skyscanner slack slackwebhook smartling
    smartlook smartproxy smartsheet smartsheets smartystreets smooch smtp2go snipcart snowflake snowplow snowtrace
    snyk socialbakers socket.dev socketlabs solcast sonarcloud sonarqube sonatype soniox soundcloud sourcegraph
    spacelift sparkpost speechmatics speechtext spinnaker split.io splunk spoonacular sportradar sportsmonk spotify
    spotifykey spotinst spree squadcast squareapp squarespace squareup sslmate sslstore stability stabilityai
    stackblitz stackexchange stackhawk stackoverflow stadiamaps statsig statuscake statuspage statuspal steam
    stepfun stitchdata stockdata storecove storefront stormboard stormglass storyblok storychief strapi strava
    streak stream stripe stripo styra stytch sugester sumologic suno supabase supernotes supertokens surge
    surveyanyplace surveybot surveymonkey surveysparrow survicate swell swiftype synthesia synthesys systran tableau
    tabnine tailscale talend talenox tallyfy tanium tastytrade tatum tatumio tavily tavus tawk tawkto taxjar
    teamcity teamgate teamviewer teamwork teamworkcrm teamworkdesk teamworkspaces technicalanalysisapi tefter
    telegram telesign teletype telnyx tenable tencentcloud tenderly tenor termii terraform terraformcloud testingbot
    testmail text2data textlocal textmagic the-odds-api theoddsapi thinkific thousandeyes thunderforest thunderstore
    ticketmaster tickettailor ticktick tidio tiingo timecamp timescale timezoneapi timezonedb tines tineswebhook
    tinify tinybird tmetric todoist togetherai toggl toggltrack tokeet tomorrow.io tomorrowio tomtom tooljet tradier
    transferwise transifex transloadit travelpayouts travis travisci treasuredata trello trelloapikey tripadvisor
    tru trueway truth tugboat twelvedata twilio twiliovideo twingate twist twitch twitchaccesstoken twitter
    twitterconsumer tyntec typeform typesense typetalk ubidots uclassify unify unifyid unipile unkey unleash unplugg
    unsplash upcdatabase upcloud uplead uploadcare uproc upstage upstash uptimerobot upwave urlscan useproof user
    userflow userstack uservoice vagrant vagrantcloud valtown vapor vatlayer vbout veevavault vendure veracode
    vercel verifier verimail veriphone versioneye vespa victorops viewneo vimeo virustotal visibli visualcrossing
    vitally vivocha vmware voiceflow voicegain volcengine vonage vonagevideo voodoosms vouchery voyageai vpnapi
    vultr vyte wakatime walkscore wandb wasabi wati.io watsonx wazuh weatherapi weatherbit weatherstack weaviate
    web3storage webengage webex webflow webpagetest webscraper webscraping websitepulse weightsandbiases wepay
    whereby whitesource whoxy wistia wit wix wompi woocommerce wordpress workable workato workday workfront workos
    worksnaps workstack worldcoinindex worldweather wpengine wrike writer.com wunderground xai xata xendit xeno xero
    yandex yelp yext ynab yodlee youdao youneedabudget yousign youtube yubico yugabyte zapier zapierwebhook zeabur
    zendesk zendeskapi zenkit zenkitapi zenrows zenscrape zenserp zenvia zeplin zerobounce zerosheets zerossl
    zerotier zhipu zilliz zipapi zipbooks zipcodeapi zipcodebase zoho zohocrm zonkafeedback zoom zoominfo zulip
    zulipchat zuora zuplo zyte
    """.split()
)
"""Every name of at least three letters."""

COMMON: Final = frozenset(
    """
    iterable
    agora aha alchemy almanac amazon anthropic apollo appwrite aws azure bench bigmodel bitwarden bored branchio
    brave bulbul canny canva chatbot checkout chroma cicero clickhouse cloudflare coda coder.com codesandbox
    collect2 column commodities conjur convex copper courier crates dailymotion deno deputy directus discord docker
    dockerhub drip endpointsecurity enigma enrichment envoy eraser essential eventbrite facebook factorial fireworks
    fixer float forecast gemini geocode geocoder ghost gitea github gitlab gitpod glitch.com google grafana guardian
    guru harness harvest hashicorp heatmap here hive holistic honeycomb host huggingface humanity hunter ibm impala
    instantly jasper jdbc jenkins jfrog kanban keycloak langchain ldap leonardoai linear linkedin looker loop
    loops.so magento magnetic manifest materialize mattermost medium meetup microsoft milvus minio modal moderation
    monday mongodb neon netcore nimble nitro notion npmtoken nuget octopus ollama openai openshift oracle orbit
    packagist parsers persona phrase pinboard plantuml polygon postbacks privacy pypi qdrant quip rabbitmq railway
    raindrop ramp raven readme recharge reddit redirect.pizza refiner render.com replit resemble resend retell rev
    rollout route4me rubygems scrutinizer segment semantic semaphore semgrep sentiment sentinel shortcut sidekiq
    siem sigma slack sonarqube splunk stability stackblitz stackexchange stackoverflow steam storefront strapi
    streak stream surge swell telegram terraform timescale tines tru truth twist twitter unify unleash user vagrant
    vercel verifier vespa weaviate wit wix youtube
    """.split()
)
"""Names that stand everywhere in the work of programmers: they need a word such as key or token as well."""
