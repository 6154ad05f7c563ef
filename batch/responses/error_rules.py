"""The table of the service's refusals: what each says of itself, what it means in plain words, and what is to be done.

The texts were collected from recordings and from users' reports (2025 to 2026). Order matters: the first rule that
fits wins, the special before the general.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ErrorKind(StrEnum):
    """What kind of refusal it is."""

    PREPAY_EMPTY = "prepay_empty"
    SPEND_CAP = "spend_cap"
    DUNNING = "dunning"
    BILLING_OFF = "billing_off"
    LEAKED_KEY = "leaked_key"
    SUSPENDED = "suspended"
    KEY_RESTRICTED = "key_restricted"
    API_DISABLED = "api_disabled"
    BAD_KEY = "bad_key"
    KEY_KIND = "key_kind"
    FILE_NOT_ACTIVE = "file_not_active"
    CACHE_TOO_SMALL = "cache_too_small"
    CACHE_CONFLICT = "cache_conflict"
    CACHE_GONE = "cache_gone"
    CACHE_WRONG_MODEL = "cache_wrong_model"
    CACHE_FREE_TIER = "cache_free_tier"
    CACHE_MISPLACED = "cache_misplaced"
    CACHE_NOT_IN_BATCH = "cache_not_in_batch"
    CACHE_UNSUPPORTED = "cache_unsupported"
    TOOL_EXCHANGE = "tool_exchange"
    CONTEXT_TOO_LONG = "context_too_long"
    SCHEMA_TOO_LARGE = "schema_too_large"
    SCHEMA_REFUSED = "schema_refused"
    UNKNOWN_FIELD = "unknown_field"
    NOT_FOR_NEW_USERS = "not_for_new_users"
    MODEL_RETIRED = "model_retired"
    UNKNOWN_MODEL = "unknown_model"
    REGION = "region"
    NO_PERMISSION = "no_permission"
    FREE_TIER = "free_tier"
    QUOTA = "quota"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    CANCELLED = "cancelled"
    PLEASE_RETRY = "please_retry"


class Treatment(StrEnum):
    """What is to be done about a refusal."""

    PAUSE = "pause"  # the account is empty, capped or in arrears: only its owner can help, so ask seldom
    STOP = "stop"  # the key cannot be used
    AWAIT_FILE = "await_file"  # a file is still being processed
    AWAIT_ROOM = "await_room"  # a limit is full for now
    BACK_OFF = "back_off"  # passes by itself
    GONE = "gone"  # what is named is not there, or not for this key
    CHANGE = "change"  # the request would be refused again


class ErrorRule(NamedTuple):
    """A kind, how it shows itself (by its text, or by `reasons`: `details[].reason` of the body), and what to say.

    Named groups of the pattern fill the sentences. `status` is the word of the status that means this kind where
    neither reason nor text tells; most words tell nothing.
    """

    kind: ErrorKind
    treatment: Treatment
    pattern: str
    message: str
    remedy: str = ""
    reasons: tuple[str, ...] = ()
    status: str = ""


_BILLING_REMEDY = (
    "See to it at the address that Google names; the run goes on by itself, or at once when you resume it."
)
_RESTRICTION_REMEDY = "Change the key's restrictions in the Google Cloud console, or use another key."
_NEW_KEY_REMEDY = "Make a new API key in Google AI Studio."
_ENABLE_BILLING_REMEDY = "Enable billing for the key's project in Google AI Studio."

ACCOUNT_RULES = (
    ErrorRule(
        ErrorKind.PREPAY_EMPTY,
        Treatment.PAUSE,
        r"(?i)prepa(?:yment|id) (?:credits?|balance)[^.]{0,40}(?:deplet|exhaust|used up|empty)",
        "The account's prepayment credits are used up.",
        _BILLING_REMEDY,
    ),
    ErrorRule(
        ErrorKind.SPEND_CAP,
        Treatment.PAUSE,
        r"(?i)spend(?:ing)?[ -](?:cap|limit)",
        "The project has reached its spending cap.",
        _BILLING_REMEDY,
    ),
    ErrorRule(
        ErrorKind.DUNNING,
        Treatment.PAUSE,
        r"(?i)\bdunning\b",
        "Google has stopped the project because of an unpaid bill; the key is not at fault. This comes and goes.",
        "See to the project's billing in the Google Cloud console; the run goes on by itself.",
    ),
    ErrorRule(
        ErrorKind.BILLING_OFF,
        Treatment.PAUSE,
        r"(?i)requires billing to be enabled|billing account[^.]{0,80}(?:disabled|closed|not active)",
        "Billing is not enabled for the key's project.",
        "Enable it in the Google Cloud console; the run goes on by itself, or at once when you resume it.",
        reasons=("BILLING_DISABLED",),
    ),
)
KEY_RULES = (
    ErrorRule(
        ErrorKind.LEAKED_KEY,
        Treatment.STOP,
        r"(?i)reported as leaked",
        "Google has shut this API key because it was found in public.",
        _NEW_KEY_REMEDY,
    ),
    ErrorRule(
        ErrorKind.SUSPENDED,
        Treatment.STOP,
        r"(?i)consumer\b[^.]{0,120}has been suspended",
        "Google has suspended this key's project.",
        reasons=("CONSUMER_SUSPENDED",),
    ),
    ErrorRule(
        ErrorKind.KEY_RESTRICTED,
        Treatment.STOP,
        r"(?i)requests from refer+er\b.{0,300} are blocked",
        "The key may be used from certain web addresses only (API_KEY_HTTP_REFERRER_BLOCKED).",
        _RESTRICTION_REMEDY,
        reasons=("API_KEY_HTTP_REFERRER_BLOCKED",),
    ),
    ErrorRule(
        ErrorKind.KEY_RESTRICTED,
        Treatment.STOP,
        r"(?i)API key has an IP address restriction",
        "The key may be used from certain IP addresses only (API_KEY_IP_ADDRESS_BLOCKED).",
        _RESTRICTION_REMEDY,
        reasons=("API_KEY_IP_ADDRESS_BLOCKED",),
    ),
    ErrorRule(
        ErrorKind.KEY_RESTRICTED,
        Treatment.STOP,
        r"(?i)requests from this (?:android|ios) client application\b.{0,300} are blocked",
        "The key may be used from certain mobile applications only.",
        _RESTRICTION_REMEDY,
        reasons=("API_KEY_ANDROID_APP_BLOCKED", "API_KEY_IOS_APP_BLOCKED"),
    ),
    ErrorRule(
        ErrorKind.KEY_RESTRICTED,
        Treatment.STOP,
        r"(?i)requests to this API\b.{0,300} are blocked",
        "The key may not be used for the Gemini API (API_KEY_SERVICE_BLOCKED).",
        _RESTRICTION_REMEDY,
        reasons=("API_KEY_SERVICE_BLOCKED",),
    ),
    ErrorRule(
        ErrorKind.API_DISABLED,
        Treatment.STOP,
        r"(?i)API has not been used in project|it is disabled\. Enable it by visiting",
        "The Gemini API is not enabled for the key's project (SERVICE_DISABLED).",
        "Enable the Generative Language API in the Google Cloud console.",
        reasons=("SERVICE_DISABLED",),
    ),
    ErrorRule(
        ErrorKind.BAD_KEY,
        Treatment.STOP,
        r"API key not valid|API_KEY_INVALID|API key expired|API Key not found",
        "Google does not accept this API key.",
        "Check that the whole key was pasted, and that it still exists in Google AI Studio.",
        reasons=("API_KEY_INVALID",),
    ),
    ErrorRule(
        ErrorKind.KEY_KIND,
        Treatment.STOP,
        r"CREDENTIALS_MISSING|invalid authentication credentials|API keys are not supported",
        "Google does not accept this kind of key here.",
        "Make an API key for the Gemini API in Google AI Studio.",
        reasons=("CREDENTIALS_MISSING", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        status="UNAUTHENTICATED",
    ),
)
CACHE_RULES = (
    ErrorRule(
        ErrorKind.CACHE_TOO_SMALL,
        Treatment.CHANGE,
        r"too small.*?total_token_count=(?P<tokens>\d+).*?min_total_token_count=(?P<minimum>\d+)",
        "This text has {tokens} tokens; an explicit cache on this model needs at least {minimum}.",
        "Add to the shared text until it has {minimum} tokens, or send it without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_CONFLICT,
        Treatment.CHANGE,
        r"CachedContent can ?not be used with GenerateContent request setting",
        "A request that uses a cache must not set a system instruction, tools or a tool configuration of its own.",
        "Put them into the cache when it is created, and take them out of the requests.",
    ),
    ErrorRule(
        ErrorKind.CACHE_GONE,
        Treatment.GONE,
        r"CachedContent not found",
        "The cache has expired, was deleted, or belongs to another project.",
        "Create it again: an expired cache cannot be revived. Rows that missed it cost nothing and can be sent again.",
    ),
    ErrorRule(
        ErrorKind.CACHE_WRONG_MODEL,
        Treatment.CHANGE,
        r"Model used by GenerateContent request \((?:models/)?(?P<request>[^)]*)\) and CachedContent "
        r"\((?:models/)?(?P<cache>[^)]*)\) has to be the same",
        "The cache was made for {cache}; this run uses {request}. A cache works only with its own model.",
        "Choose {cache} for the run, or create the cache for {request}.",
    ),
    ErrorRule(
        ErrorKind.CACHE_FREE_TIER,
        Treatment.CHANGE,
        r"CachedContentStorageTokens\w*FreeTier.*?limit=(?P<limit>\d+)(?:, requested=(?P<tokens>\d+))?",
        "Keys of the free tier cannot create explicit caches: their limit is {limit} tokens.",
        "Enable billing for the key's project in Google AI Studio, or run without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_MISPLACED,
        Treatment.CHANGE,
        r"Unknown name \"?cached_?[cC]ontent\"?",
        "`cachedContent` stands in the wrong place.",
        "It belongs beside `contents` in the request, not inside `generationConfig`.",
    ),
    ErrorRule(
        ErrorKind.CACHE_NOT_IN_BATCH,
        Treatment.CHANGE,
        r"(?P<model>\S{1,200}) does not support cached content with batch prediction",
        "{model} does not take explicit caches in batch jobs on Vertex AI.",
        "Use a key of the Gemini API (Google AI Studio), or run without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_UNSUPPORTED,
        Treatment.CHANGE,
        r"(?P<model>\S{1,200}) is not found for API version \S{1,40},? or is not supported for createCachedContent",
        "{model} does not take explicit caches.",
        "Choose a model that does, or run without an explicit cache.",
    ),
)
REQUEST_RULES = (
    ErrorRule(
        ErrorKind.FILE_NOT_ACTIVE,
        Treatment.AWAIT_FILE,
        r"(?:(?:files?/|File )(?P<file>[\w-]{1,80}) is )?not in an ACTIVE state",
        "Google is still processing a file that the requests name.",
        "Wait until it is ready, and send the request again.",
    ),
    ErrorRule(
        ErrorKind.TOOL_EXCHANGE,
        Treatment.CHANGE,
        r"number of function response parts|function (?:call|response) turn comes? immediately after",
        "A function call and its responses must stand together: as many responses as calls, directly after them.",
        "Correct the history of the conversation; a shared beginning must not end between a call and its responses.",
    ),
    ErrorRule(
        ErrorKind.CONTEXT_TOO_LONG,
        Treatment.CHANGE,
        r"input token count \(?(?P<tokens>\d+)?\)? ?exceeds the maximum number of tokens allowed \(?(?P<limit>\d+)",
        "The prompt is longer than the {limit} tokens that the model takes.",
        "Shorten or split the text, or choose a model with a larger context window.",
    ),
    ErrorRule(
        ErrorKind.SCHEMA_TOO_LARGE,
        Treatment.CHANGE,
        r"(?i)too many states for serving|schema[^.]{0,80}exceeds the maximum allowed nesting depth",
        "The response schema, or the parameters of a tool, is too large for the service.",
        "Make it smaller: fewer or shorter property names and enum values, fewer optional properties, no large "
        "bounds on arrays, less nesting.",
    ),
    ErrorRule(
        ErrorKind.SCHEMA_REFUSED,
        Treatment.CHANGE,
        r"(?P<place>(?:generation_?[cC]onfig\.response_?[\w]*[sS]chema|function_?[dD]eclarations\[\d+\]\.parameters)"
        r"[^\s:'\"]{0,200})",
        "Google does not accept the schema: {place}.",
        "Correct the schema at that place.",
    ),
    ErrorRule(
        ErrorKind.UNKNOWN_FIELD,
        Treatment.CHANGE,
        r"(?:Unknown name \"(?P<name>[^\"]*)\"(?: at '(?P<place>[^']*)')?|no such field: '(?P<field>[^']*)')",
        "The request has a field that the API does not know: {name}{field}.",
        "Correct its spelling or its place; settings of the answer belong into `generationConfig`.",
    ),
    ErrorRule(
        ErrorKind.NOT_FOR_NEW_USERS,
        Treatment.CHANGE,
        r"no longer available to new users",
        "Google no longer offers this model to new projects.",
        "Choose a newer model, or a key of a project that used this one before.",
    ),
    ErrorRule(
        ErrorKind.MODEL_RETIRED,
        Treatment.CHANGE,
        r"(?i)(?:\bmodels?\b.{0,120}|gemini-\S{1,80} is )no longer (?:available|supported)"
        r"|\bmodel\b.{0,120}has been (?:shut down|retired|deprecated)",
        "Google has shut this model down.",
        "Choose a newer model.",
    ),
    ErrorRule(
        ErrorKind.UNKNOWN_MODEL,
        Treatment.CHANGE,
        r"(?:models/)?(?P<model>\S{1,200}) is not found for API version",
        "There is no model {model} for this call.",
        "Choose a model from the list; it may have been shut down or cannot run in batches.",
    ),
    ErrorRule(
        ErrorKind.REGION,
        Treatment.CHANGE,
        r"User location is not supported|not available in your (?:country|region)",
        "The free tier is not available in this region, or billing is not enabled.",
        _ENABLE_BILLING_REMEDY,
    ),
)
CAPACITY_RULES = (
    ErrorRule(
        ErrorKind.FREE_TIER,
        Treatment.CHANGE,
        r"free_tier|FreeTier",
        "A limit of the free tier was hit; batch jobs are not available on it.",
        f"{_ENABLE_BILLING_REMEDY} A new tier can take a while to be seen.",
    ),
    ErrorRule(
        ErrorKind.QUOTA,
        Treatment.AWAIT_ROOM,
        r"exceeded your current quota|[Rr]esource has been exhausted|[Qq]uota exceeded",
        "A limit of this project was hit: most often tokens waiting in batch jobs, else the number of jobs, "
        "stored files, or spending. Google does not say which.",
        "Wait for running jobs to end; cancelled jobs may count for a while yet.",
    ),
    ErrorRule(
        ErrorKind.OVERLOADED,
        Treatment.BACK_OFF,
        r"(?i)overloaded|experiencing high demand|(?:currently|temporarily) unavailable",
        "The service is overloaded.",
        "Try again in some minutes.",
        status="UNAVAILABLE",
    ),
    ErrorRule(
        ErrorKind.NO_PERMISSION,
        Treatment.GONE,
        r"do not have permission|does not have permission",
        "This key may not use that, or it does not exist.",
        "Check that it was made with this key's project and has not expired: files last 48 hours.",
    ),
    ErrorRule(
        ErrorKind.SERVER_ERROR,
        Treatment.BACK_OFF,
        r"internal error has occurred|internal error encountered|Deadline expired",
        "The service had an internal error.",
        "Try again.",
        status="INTERNAL",
    ),
    ErrorRule(
        ErrorKind.SERVER_ERROR,
        Treatment.BACK_OFF,
        r"Deadline exceeded",
        "The service took too long.",
        "Try again.",
        status="DEADLINE_EXCEEDED",
    ),
    ErrorRule(
        ErrorKind.CANCELLED,
        Treatment.BACK_OFF,
        r"(?i)operation was cancell?ed",
        "Google cancelled it before it was served.",
        "Send it again.",
    ),
    ErrorRule(
        ErrorKind.PLEASE_RETRY,
        Treatment.BACK_OFF,
        r"(?i)please (?:re-?try|try again)|try (?:again|your request again) (?:later|in\b)",
        "Google says that it may succeed next time.",
        "Send it again.",
    ),
)
RULES = (*ACCOUNT_RULES, *KEY_RULES, *CACHE_RULES, *REQUEST_RULES, *CAPACITY_RULES)
