-- Tokens and money of this month.
select tokens, microusd from tare.llm_month()
