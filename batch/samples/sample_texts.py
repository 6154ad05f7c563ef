"""The words that the samples are built from."""

from __future__ import annotations

ITEMS = (
    "a desk lamp with a clamp", "a set of six garden chairs", "a folding bicycle", "an electric kettle",
    "a winter coat in size L", "a pair of walking boots", "a wall clock", "a rain barrel", "a bread knife",
    "a travel adapter", "a bookcase of oak", "a hand blender", "a camping stove", "a wool blanket", "a label printer",
    "a tent for three", "a cast-iron pan", "a bathroom scale", "a bicycle pump", "an office chair", "a paper shredder",
    "a set of screwdrivers", "a standing mirror", "a bird feeder", "a thermos flask", "a doormat", "a step ladder",
    "a music stand", "a sewing kit", "a water filter",
)  # fmt: skip
CHANNELS = ("e-mail", "the web form", "telephone", "chat", "letter", "the app")
COMPLAINTS = (
    "The parcel arrived, but the box was crushed on one side.",
    "Two days after the promised date nothing has come.",
    "The tracking page has said the same for a week.",
    "What I received is not what I had ordered.",
    "The invoice shows an amount that I cannot explain.",
    "The discount from the newsletter was not taken off.",
    "A small part is missing from the bag of screws.",
    "I was charged twice on the same evening.",
    "After an update the app closes whenever I open my orders.",
    "The link for resetting the password leads to an empty page.",
    "It worked for three weeks and then stopped without a sound.",
    "The colour is quite different from the picture.",
    "The courier left it with a neighbour whom nobody knows.",
    "I sent it back ten days ago and have heard nothing since.",
    "The instructions are in a language that I do not read.",
    "The delivery was refused at our gate because the form was not filled in.",
    "The size chart on the page and the one in the box disagree.",
    "There is a sharp edge where the handle is glued on.",
    "The voucher that I was given is said to be used already.",
    "My address was changed in the account, but not on the label.",
)
DETAILS = (
    "I have attached two photographs.",
    "This is the second time this year.",
    "Nobody could be reached on the telephone.",
    "The packaging was otherwise in good order.",
    "I noticed it only when I put it together.",
    "The shop in the next town had the same trouble.",
    "It was meant as a present for the coming weekend.",
    "We are an office of twelve and all of us see the same.",
    "A friend has had the same one for years without a fault.",
    "I followed every step of the enclosed sheet.",
    "The weather was dry, so water cannot be the cause.",
    "The seal had been opened before it came to us.",
    "I compared it with the one in the display window.",
    "It makes a faint noise when it is turned to the left.",
    "Apart from that I have been content with the service.",
)
CUSTOMER_REQUESTS = (
    "Please send a replacement.",
    "I would like my money back.",
    "Can you tell me when it will come?",
    "Please correct the invoice.",
    "What should I do with the old one?",
    "I only want to know whether it is safe to use.",
    "Please close my account if this cannot be mended.",
    "A short answer by e-mail is enough.",
    "Please have it collected, I cannot carry it.",
    "Is there a spare part that I can fit myself?",
)
SENTIMENTS = ("pleased", "displeased", "even")
REVIEW_STARTS = {
    "pleased": (
        "Exactly what I needed.", "Better made than I had expected.", "A pleasure to use every day.",
        "Sturdy, quiet and simple.", "It has replaced three other things in my kitchen.", "Worth every cent.",
    ),
    "displeased": (
        "A disappointment from the first day.", "I would not buy it again.", "It looks good and that is all.",
        "Broken within the month.", "Far too small for what it promises.", "The worst purchase of the year.",
    ),
    "even": (
        "It does its work.", "Neither good nor bad.", "Fine for the price.", "Good idea, middling finish.",
        "Some things I like, some I do not.", "As described.",
    ),
}  # fmt: skip
REVIEW_ENDS = {
    "pleased": (
        "I have already recommended it.", "Five stars.", "I ordered a second one.", "Thank you to whoever designed it.",
    ),
    "displeased": (
        "It goes back tomorrow.", "One star, for the box.", "Save your money.", "I expected more of this brand.",
    ),
    "even": (
        "Three stars.", "Perhaps the next model is better.", "I shall keep it, for now.", "Others may disagree.",
    ),
}  # fmt: skip
TRANSLATIONS = ("French", "German", "Spanish", "Italian", "Portuguese", "Japanese")

_CATEGORIES = (
    ("delivery", "late, lost, damaged or misdirected parcels, and everything that a courier did or left undone",
     "HIGH if a date was promised and has passed, else NORMAL", "the carrier desk"),
    ("billing", "amounts, double charges, vouchers, discounts, invoices and their wording",
     "HIGH if money was taken twice, else NORMAL", "accounts"),
    ("returns", "goods on their way back, labels for sending back, collections and refunds that have not arrived",
     "NORMAL; HIGH after fourteen days", "the returns desk"),
    ("product fault", "what does not work, breaks, leaks, rattles or was never complete",
     "NORMAL; HIGH if it stopped within a month", "the workshop"),
    ("safety", "sharp edges, heat, smoke, electric shocks, chemicals, anything that could hurt somebody",
     "always URGENT", "the safety officer on duty"),
    ("access", "passwords, sign-in, locked accounts and the app refusing to open",
     "URGENT if more than one person is shut out, else NORMAL", "the systems desk"),
    ("wrong item", "colour, size, model or number of pieces other than ordered",
     "NORMAL", "the warehouse"),
    ("advice", "questions before buying, spare parts, cleaning, disposal and use",
     "LOW", "the shop"),
    ("privacy", "addresses, data that should be changed or deleted, letters that went to the wrong person",
     "URGENT if somebody else saw the data, else HIGH", "the data protection desk"),
    ("praise and complaint", "opinions about the service as such, without anything to be mended",
     "LOW", "the head of service"),
)  # fmt: skip
_GUIDE_RULES = (
    "Read the whole ticket before choosing; the last sentence often says what is really wanted.",
    "Choose one category only. If two fit, choose the one with the higher priority, and name the other in the summary.",
    "Safety outranks everything. A ticket that mentions injury, heat, smoke or a sharp edge is never anything else.",
    "Never promise money, dates or replacements; describe the wish and leave the decision to the team.",
    "Do not repeat names, addresses or telephone numbers in the summary. The order number may stand.",
    "A ticket written in anger is triaged by its matter, not by its tone; note the tone in one word at the end.",
    "If the ticket is about several orders, take the oldest and say that there are more.",
    "If nothing can be made of it, answer with the category advice, priority LOW, and ask one helpful question.",
    "Tickets from schools, surgeries and fire stations go up by one step of priority.",
    "A second ticket about the same matter goes up by one step, and the summary begins with the word again.",
)


def _guide() -> str:
    categories = "\n\n".join(
        f"{n}. {name.capitalize()}. Covers {covers}. Priority: {priority}. Goes to {team}. When you summarise such a"
        f" ticket, say in one sentence what happened, in a second what is wanted, and in a third what {team} should"
        f" look at first. Leave out what the customer thinks of the cause unless it helps {team} to find it."
        for n, (name, covers, priority, team) in enumerate(_CATEGORIES, 1)
    )
    rules = "\n".join(f"- {rule}" for rule in _GUIDE_RULES)
    return (
        "You triage support tickets for a mail-order house. Read the guide, then the ticket, and answer with four"
        " lines: Category, Priority, Team, Summary. The priorities are LOW, NORMAL, HIGH and URGENT.\n\n"
        f"CATEGORIES\n\n{categories}\n\nRULES\n\n{rules}\n\nTICKET\n\n"
    )


TRIAGE_GUIDE = _guide()

TOOLS = (
    "cordless drill", "orbital sander", "circular saw", "hedge trimmer", "pressure washer", "tile cutter",
    "wallpaper steamer", "pipe wrench", "angle grinder", "paint sprayer", "floor scraper", "chain hoist",
    "garden shredder", "lawn aerator", "concrete mixer", "heat gun", "laser level", "moisture meter", "nail gun",
    "belt sander", "jigsaw", "router table", "wet vacuum", "scaffold tower", "sack barrow", "wheel puller",
    "soldering station", "sewing machine", "projector", "telescope",
)  # fmt: skip
HANDBOOK_OPENING = (
    "HANDBOOK OF THE LENDING LIBRARY FOR TOOLS\n\n"
    "This handbook says for every tool where it stands, how long it may be kept, what is left as a deposit, how it is"
    " cared for, and what to do when it fails. The library is open from Tuesday to Saturday, from nine to six; on"
    " Thursdays it closes at eight. Tools are lent to members over eighteen years of age. A member may have three tools"
    " at a time. A loan can be extended once, unless somebody waits for the tool. Whoever brings a tool back late pays"
    " the daily fee of that tool, up to half of its deposit. Whatever breaks in ordinary use is mended by the library;"
    " whatever is lost is paid from the deposit."
)
# What the handbook says of each tool; of every line, one wording is taken.
TOOL_FACTS = (
    (
        "The {tool} stands on shelf {shelf}. The library has owned this kind since {year}, {copies} in number.",
        "Look for it on shelf {shelf}; the stock is {copies}, and the first was bought in {year}.",
        "Shelf {shelf} is its place, where {copies} should be found. The kind was taken in during {year}.",
    ),
    (
        "It may be kept for {days} days against a deposit of {deposit} euros, and each day too long costs {fee} euros.",
        "The deposit is {deposit} euros and the loan ends after {days} days; from then on a day costs {fee} euros.",
        "Members leave {deposit} euros and keep it for {days} days at most. The late fee is {fee} euros a day.",
    ),
    (
        "With its case it weighs {weight} kilograms, so let somebody help you with the stairs if that is too much.",
        "The {tool} and its case come to {weight} kilograms on the scales by the door.",
        "Its weight is {weight} kilograms; the trolley beside the desk may be borrowed as far as the car park.",
    ),
    (
        "Before the first use, the desk shows how the {tool} is switched on, held and put down again.",
        "Nobody leaves with it who has not been shown its switch, its guard and the way to carry it.",
        "Read the card in the lid aloud to the person at the desk; only then is it handed over.",
    ),
    (
        "It is serviced every {hours} hours of use; the counter is read on return, and its figure goes into the book.",
        "After {hours} hours of use it goes to the workshop, whether or not anything seems to be wrong with it.",
        "The service interval is {hours} hours, as the label on the case says.",
    ),
    (
        "Clean it with a dry brush and never with a hose, and put the spare part into the bag inside the lid.",
        "Wipe it down, wind the cord loosely, and let it dry with the case open before it is closed again.",
        "Dust goes into the bin and not into the sink. Oil is applied by the workshop alone.",
        "What belongs to it is drawn on the inside of the lid; compare the drawing with the case before returning it.",
    ),
    (
        "If the {tool} stops, smells or runs hot, switch it off, wait ten minutes and try again; then bring it back.",
        "Should it make an unusual sound, do not open it. Take out the plug, write down what you heard, and return it.",
        "When it fails, ring the desk before anything else; a second {tool} is kept ready where the stock allows it.",
    ),
    (
        "It is not lent in the week before the spring fair, when the workshop needs it.",
        "Minors may use it only beside a member who answers for them.",
        "It must not be left in a car overnight, and never in the rain.",
        "Two members may share the loan, but one of them signs and pays.",
        "For use above head height, goggles are handed out with it and must come back with it.",
    ),
)
QUESTIONS = (
    "On which shelf does the cordless drill stand?",
    "How many days may the circular saw be kept?",
    "What is the deposit for the pressure washer?",
    "How often is the hedge trimmer serviced?",
    "How much does the concrete mixer weigh with its case?",
    "What does each day too long cost for the projector?",
    "Which tool was bought first, and in which year?",
    "Which tools have a deposit of more than eighty euros?",
    "How many tools may a member have at a time?",
    "When does the library close on a Thursday?",
    "May a loan be extended, and how often?",
    "What happens when a tool is lost?",
    "Who pays for a tool that breaks in ordinary use?",
    "What should be done if the heat gun smells?",
    "How is the sewing machine to be cleaned?",
    "Which tools weigh more than forty kilograms?",
    "List the tools that may be kept for a week or less.",
    "Of which tools is there only one?",
    "Where does the spare blade of the jigsaw belong?",
    "What is the highest late fee that a member can owe for the telescope?",
    "Compare the wet vacuum and the pressure washer by weight and deposit.",
    "Write a reminder to a member whose paint sprayer is three days late, and name the sum owed.",
    "Which three tools would you lend for putting up shelves, and what do they cost as deposits together?",
    "Is the handbook silent about insurance? Quote the nearest rule.",
)
