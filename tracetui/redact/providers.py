"""Names of services that give out keys: a random string right behind one of them, or in the sentence that it begins, is
likely a key of it. Public facts; lower case, without blanks and dashes."""

from __future__ import annotations

from typing import Final

__all__ = ["COMMON", "PROVIDERS"]

PROVIDERS: Final = frozenset(
    """
    abbysale abyssale abstractapi abuseipdb accuweather activecampaign adafruit adafruitio adalo addigy adobe
    adobeio adwordsapi adzuna aerisweather aeroworkflow agora aha agilecrm aiprise airbrake airbyte airship airslate
    airtable airvisual aiven aivenio akamai akeneo alchemy alconost alegra aletheia alethiaapi algolia alibaba
    alienvault allsports almanac alphavantage altcoin amadeus amazon ambee amberdata amplitude amplitudeapi
    anthropic anypoint apacta apdex apexsql api2cart apicurio apideck apiary apiflash apifonica apify apilayer
    apimatic apimetrics apininja apitemplate apollo appcenter appcues appdynamics appfollow appointedd appoptics
    appsflyer appsynergy apptivo appveyor aqicn arize artifactory artsy asana assemblyai atera atlassian audd auth0
    authorize autodesk autoklose autopilot avaza avazapersonalaccess aviationstack avochato aws axonaut ayden adyen
    aylien ayrshare azure azuredevops azurestorage azuresearch baidu bannerbear baremetrics bamboohr baseapi baserow
    basecamp battlenet beamer beebole beeminder bench besnappy besttime betterstack billomat bingx binance bitbar
    bitbucket bitcoinaverage bitfinex bitgo bitly bitlyaccesstoken bitmex bitrise bitskins bitstamp bittrex
    bitwarden blablabus blazemeter blitapp blizzard blocknative blockcypher blockfrost blogger bluesnap bombbomb
    boostnote borgbase bored boxauth braintree brandfetch branchio braze brevo bricklink bricqer brightdata
    broadcastify browserless browserstack browshot bscscan btcpay buddyns budibase bugcrowd bugherd bugsnag
    buildkite bulbul bulksms bunny buttercms bybit caflou calendarific calendly calorieninja calorieninjas campayn
    canny canva capsulecrm captaindata carboninterface cartodb cashboard caspio casterapi caton cdnjs censys
    centralstationcrm certspotter cexio chargebee chargify chartmogul chatbot chatfuel chatfule checio checklyhq
    checkly checkmarx checkout checkvist cicero circleci clarifai clearbit cleverbot cleverreach clickatell
    clickhelp clickhouse clicksend clicksendsms clickup cliengo clientary clinchpad clockify clockworksms closecrm
    cloudconvert cloudelements cloudflare cloudflarecakey cloudimage cloudinary cloudmersive cloudplan cloudsmith
    cloudways cloverly cloze clustdoc coda codacy codeclimate codecov codemagic codequiry cohere coinapi coinbase
    coincap coingate coingecko coinlayer coinlib coinmarketcap collect2 column commercejs commercetools commodities
    companyhub confluent contentful contentstack contentfulpersonalaccesstoken convertapi convertkit convier copper
    copyscape corrently couchbase countrylayer courier coveralls coveo craftmypdf crates creatomate
    crossbrowsertesting crowdin crowdstrike cryptocompare cryptonator currencycloud currencyfreaks currencylayer
    currencyscoop currentsapi customerguru customerio cybersource d7network dailymotion dandelion darksky databento
    databox databricks datadog dataddo datafire datagov datastax debounce deepai deepgram deepl deepseek deezer
    delighted demio deputy descope desec detectify detectlanguage devcycle dfuse diffbot diggernaut digicert
    digitalocean dinahosting directus discogs discord discourse disqus ditto dnscheck dnsimple dnsmadeeasy docker
    dockerhub docparser documo docusign docusaurus doppler dotdigital dotmailer dovico dreamfactory dreamhost drip
    dronahq droneci dropbox dropboxsign droplr duffel duply dwolla dynadot dynalist dynatrace dyspatch
    eagleeyenetworks easyinsight easypost ebay ecostruxure edamam edenai eightxeight elasticemail elasticpath
    elevenlabs emaillabs enablex endorlabs endpointsecurity enigma enrichment enterprisehub envoy envoyapikey
    epsagon eraser essential etherpad etherscan etsy eventbrite everhour evernote exchangerate exchangeratesapi
    expensify exportsdk extractorapi facebook faceplusplus facepp factorial fastforex fastly fastlypersonaltoken
    faunadb feedier feedly festo fetchrss fibery figma fileio filestack findl finage finicity finnhub fireworks
    firebase firecrawl fitbit fixerio flagsmith flatio fleetbase flickr flightapi flightlabs flightstats float
    floatapp flodesk flowflu flowdash flutterwave flyio fmfw followupboss foresight forecast formbucket formcraft
    formio formsite formstack foursquare frameio freshbooks freshdesk freshworks fronteggs fullcontact fulcrum
    fullstory fusebill fxmarket gemini gengo geoapify geocode geocodify geocodio geoipify geocoder geonames
    geoplaces getaddress getemail getemails getgist getgeoapi getresponse getsandbox gettyimages ghost giphy gitbook
    gitea gitee gitguardian github gitlab gitter glassnode gnews goautodial gocanvas gocardless godaddy goodday
    goodreads google googlemaps gorgias grafana graphcms graphhopper greip greenhouse groovehq groq gtmetrix
    guardianapi gumroad guru gyazo hackerone happi happyscribe harness harvest hasura haveibeenpwned heatmap
    hellosign helpcrunch helpscout here hereapi heroku hetzner hexnode hibob hightouch hive hiveage holidayapi
    holistic honeybadger honeycomb hootsuite host hotjar hotwire housecanary html2pdf hubspot huggingface humanity
    hunter hunterio hybiscus hypertrack hypeauditor ibm iconfinder iexapis iexcloud imagekit imagga imgbb imgix
    imgur imperva impala incapsula infermedica infisical inflectra influxdb infobip infracost infura insightly
    instabot instabug instacart instagram instamojo instana intercom interseller intra42 intrinio invoiceninja
    invoiceocean ip2location ipapi ipdata ipgeolocation ipify ipinfo ipinfodb ipquality ipqualityscore ipregistry
    ipstack iqair ironclad iterable iubenda jdbc jenkins jfrog jina jiratoken jotform jumio jumpcloud jumpseller
    juro kairos kaleyra kanban kanbanflow kanbantool karmacrm keenio keycdn keygen kickbox kickofflabs kinde kinesis
    kintone kiteconnect klaviyo klipfolio knapsackpro kombai kontent kraken kucoin kylas languagelayer larksuite
    lastfm launchdarkly ldap leadfeeder lemlist lemonsqueezy lendflow lessannoyingcrm lexigram linear linearapi
    linemessaging linenotify linkedin linkpreview linode liquidfiles livekit liveagent livestorm loadmill lob
    locationiq logdna loggly loginradius logrocket logzio lokalise loginext loop loyverse luno lunchmoney mackerel
    macaddress madkudu magento magicbell magnetic mailboxlayer mailboxvalidator mailchimp mailerlite mailersend
    mailgun mailjet mailjetbasicauth mailjetsms mailmodo mailsac mailslurp mailtrap mandrill manifest mapbox
    mapquest marketo marketstack mastodon mattermost mattermostpersonaltoken maxmind mavenlink meaningcloud
    mediastack medium meetup meilisearch meistertask mesibo messagebird metaapi metabase metrilo microsoft
    microsoftteams midise mindee mindmeister minio miro mistral mite mixmax mixpanel mockaroo moderation modal
    mollie monday mongodb monkeylearn moonclerk moonclerck moosend moralis motaword mrticktock mulesoft muxtokens
    myexperiment myfreshworks myintervals naver nasa nasdaqdatalink neon netcore netdata netlify netsuite
    neutrinoapi newrelic newsapi newscatcher newsdata nexmo nftport ngc nfttoken ngrok nicereply nightfall nimble
    nitro noticeable notion notionapi novu nozbe npmtoken nuget numverify nutritionix nvidia nylas nytimes oanda
    oauth0 octopus ocrspace odoo okta omnisend onbuka oncehub onedesk onelogin onepagecrm onesignal onfido onwater
    oopspam openai openaq opencage opencagedata openchannel opencollective opendatasoft openlibrary opennode
    openphone openrouter opensea openstack openuv openvpn openweather openweathermap opsgenie optidash optimizely
    oracle orbit orderdesk outscraper outbrain overloop owlbot packagecloud packagist paddle pagarme pagerduty
    pandadoc pandascore paperform paralleldots parsehub parsers parseur parsio partnerstack pastebin paydirtapp
    payfast paymo paymongo paypal paypaloauth paystack pdflayer pdfshift peopledatalabs pepipost percy perigon
    perplexity persona persistiq phantombuster phraseaccess phrase photobucket pinata pinboard pinecone pingdom
    pinterest pipedream pipedrive pivotaltracker pixabay pixela plaid plaidkey planetscale planio planviewleankit
    plantuml planyo plesk plivo podio poeditor pollsapi polygon polygonscan positionstack postageapp postbacks
    postgrid posthog postman postmark powerbi powrbot prefect presspage pricefinder printful printify privacy
    probely prodpad productboard producthunt prospectcrm prospectio protocolsio proxycrawl pubnub pubnubpublishkey
    pulumi purestake pushbullet pusher pusherchannelkey pushover pypi qase qovery qualaroo qualtrics quandl qubole
    quickbase quickbooks quickmetrics quip rabbitmq raindrop ramp rapidapi raven rawg razorpay reachmail readme
    reallysimplesystems rebrandly recharge rechargepayments recurly reddit redash refiner rentman repairshopr
    replicate replyio requestfinance restpack restpackhtmltopdfapi restpackscreenshotapi rev resend revampcrm
    ringcentral ritekit roaring robinhood rocketreach rollbar rootly roninapp route4me rownd rubygems runrunit
    runscope salesblink salescookie salesflare salesforce salesloft salesmate salesmsg samsara sanity satismeter
    satismeterprojectkey satismeterwritekey saucelabs scaleway scalingo scalr scrapeowl scraperapi scraperbox
    scrapersite scrapestack scrapfly scrapingant scrapingbee scrapingdog screenshotapi screenshotlayer scrutinizerci
    securitytrails sectigo seatable segment segmentapikey selectpdf semaphore semantic semrush sendbird
    sendbirdorganizationapi sendgrid sendinblue sendinbluev2 sendpulse sentiment sentinel sentry serphouse serpapi
    serpstack serveravatar sheety sherpadesk shipday shipengine shippo shipstation shodan shopee shopify shortcut
    shotstack shutterstock shutterstockoauth siem sigopt signable signalwire signaturit signupgenius sigma sikka
    silverpop simfin similarweb simplesat simplynoted simvoly sinch sinchmessage sirv siteleaf skrapp skyscanner
    skybiometry slack slackwebhook smartling smartsheet smartsheets smartystreets smooch snipcart snowflake snyk
    socialbakers solcast sonarcloud sonarqube soundcloud sourcegraph sparkpost speechmatics speechtext spoonacular
    sportradar sportsmonk spotify spotifykey spotinst squareapp squarespace squareup sslmate sslstore stability
    stackhawk stackblitz stackexchange stackoverflow statuscake statuspage statuspal steam stitchdata stockdata
    storecove storefront stormboard stormglass storyblok storychief strava streak stream stripe stripo strapi styra
    stytch sugester sumologic supabase supernotes surveyanyplace surveybot surveymonkey surge surveysparrow
    survicate swell swiftype synthesia synthesys tableau tabnine tailscale talenox talend tallyfy tatumio taxjar
    tawkto teamcity teamgate teamviewer teamwork teamworkcrm teamworkdesk teamworkspaces technicalanalysisapi
    telegram telesign teletype telnyx terraform terraformcloud testingbot textlocal textmagic text2data theoddsapi
    thinkific thousandeyes ticketmaster ticktick tiingo timecamp timezoneapi timezonedb tinify tineswebhook tmetric
    todoist toggl toggltrack tokeet tomorrowio tomtom tradier transferwise transifex travelpayouts travisci
    treasuredata trello trelloapikey trueway truth tru twelvedata twilio twist twitch twitchaccesstoken twitter
    twitterconsumer tyntec typeform typesense typetalk ubidots uclassify unifyid unify unipile unplugg unsplash
    upcdatabase upcloud uplead uploadcare uproc upstash uptimerobot upwave urlscan useproof user userflow userstack
    uservoice vagrantcloud vatlayer vbout vercel verifier verimail veriphone veevavault versioneye vimeo viewneo
    virustotal visibli visualcrossing vitally vivocha vmware vonage vouchery voicegain voodoosms vpnapi vultr vyte
    walkscore wandb watsonx weatherbit weatherstack webex webflow webscraper webscraping webpagetest wepay whoxy
    wistia wit wix woocommerce wordpress workable workday workfront workos workstack worksnaps worldcoinindex
    worldweather wrike wunderground xai xata xero xeno yandex wakatime yelp yext ynab yodlee youneedabudget youdao
    yousign youtube zapier zapierwebhook zendesk zendeskapi zenkit zenkitapi zenrows zenscrape zenserp zeplin
    zerobounce zerosheets zerossl zerotier zipapi zipbooks zipcodeapi zipcodebase zohocrm zoho zonkafeedback zoom
    zoominfo zulip zulipchat zuora
    """.split()
)
"""Every name of at least three letters."""

COMMON: Final = frozenset(
    """
    alchemy amazon apollo aws azure bench bored branchio chatbot checkout close coda column commodities copper
    courier crates deputy docker drip enigma enrichment envoy eraser essential facebook factorial fireworks float
    forecast geocode geocoder gemini ghost github gitlab google guru harness harvest here heatmap hive host hunter
    ibm impala jdbc jenkins ldap linear loop magnetic manifest medium meetup microsoft minio modal moderation monday
    mongodb neon netcore nitro nimble notion npmtoken octopus openai anthropic oracle orbit parsers persona phrase
    polygon postbacks privacy pypi quip rabbitmq ramp raven readme recharge refiner resend rev reddit route4me
    segment semantic semaphore sentiment sentinel shortcut siem sigma slack stability steam storefront stream streak
    surge swell terraform tru truth twist unify user verifier wit wix youtube holistic humanity almanac cicero
    bulbul eventbrite aha agora collect2 canny canva catalog raindrop pinboard plantuml endpointsecurity dailymotion
    twitter linkedin nuget telegram kanban vercel cloudflare discord huggingface jfrog rubygems dockerhub packagist
    mattermost gitea stackoverflow stackexchange
    """.split()
)
"""Names that stand everywhere in the work of programmers: they need a word such as key or token as well."""
